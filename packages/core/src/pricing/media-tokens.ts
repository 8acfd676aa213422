/**
 * What images, audio, video and files cost at most, in tokens, by the providers' published rules; where a rule needs a
 * figure that nobody has (pixels, pages, seconds), a stated ceiling. `docs/token-bound.md` lists the sources.
 */
import { familyOfModel, UNBOUNDABLE_TOKENS } from './bound-provider.ts';
import type { Family } from './bound-provider.ts';

/** What a part carries, as far as it says so. `file` is anything else: its text can't be bounded from its bytes. */
export type MediaKind = 'image' | 'audio' | 'video' | 'pdf' | 'file';

/** One medium of a request. */
export interface Media {
  readonly kind: MediaKind;
  /** Size in bytes; `undefined` where the part only points to it (a URL, a file id). */
  readonly bytes: number | undefined;
  /** Whether the part asks for OpenAI's `detail: 'low'`. */
  readonly lowDetail?: boolean | undefined;
  /** Video frames sampled per second, where the part says so. Default 1. */
  readonly framesPerSecond?: number | undefined;
}

// OpenAI, "Images and vision": an image takes at most 8 tiles of 512 px (2,048 × 768) at 5,667 tokens and 2,833 for the
// base on gpt-4o-mini, 170 and 85 on its elders; or at most 1,536 patches × 2.46 (gpt-4.1-nano). From gpt-5.4 on: up to
// 2,500 patches, 10,000 in `original` detail, taken × 1.62. The patch models take no notice of `low`.
const OPENAI_IMAGE_MINI = 2_833 + 8 * 5_667;
const OPENAI_IMAGE_ORIGINAL = 16_200;
const OPENAI_IMAGE_HIGH = 4_050;

// Anthropic, "Vision": ⌈w/28⌉ × ⌈h/28⌉, at most 4,784 from Opus 4.7 (2,576 px on the long edge); before that w × h / 750,
// at most about 1,600 (1,568 px).
const CLAUDE_IMAGE = 4_800;
const CLAUDE_IMAGE_BEFORE_4_7 = 1_640;

// Gemini API, "Image understanding": 258 per tile of 768 px, scaled to fit 3,072 × 3,072: 16 tiles. "Media resolution":
// Gemini 3 takes 1,120, or 2,240 in ultra high.
const GEMINI_IMAGE = 16 * 258;

// Pixtral: patches of 16 px in at most 1,024 × 1,024, and one break per row; later models fewer.
const MISTRAL_IMAGE = 64 * 64 + 64;

const IMAGE: Readonly<Record<Family, number>> = {
  openai: OPENAI_IMAGE_MINI,
  anthropic: CLAUDE_IMAGE,
  google: GEMINI_IMAGE,
  mistral: MISTRAL_IMAGE,
  other: OPENAI_IMAGE_MINI,
};

// Gemini: 32 a second. OpenAI: 10 of audio input. Voxtral: 12.5.
const AUDIO_PER_SECOND: Readonly<Record<Family, number>> = {
  openai: 16,
  anthropic: 32,
  google: 32,
  mistral: 16,
  other: 32,
};

/** The lowest bit rate assumed for audio: 4 kbit/s, below every speech codec that the providers take. */
const AUDIO_MIN_BYTES_PER_SECOND = 500;
/** Gemini takes at most 9.5 hours of audio in one prompt. */
const GEMINI_AUDIO_MAX_SECONDS = 9.5 * 3_600;

/** The lowest bit rate assumed for video: 32 kbit/s. */
const VIDEO_MIN_BYTES_PER_SECOND = 4_000;
/** Gemini: 258 per frame up to 2.5, at most 280 from Gemini 3. */
const VIDEO_PER_FRAME = 280;

/** The least bytes assumed for one page of a PDF. */
const PDF_MIN_BYTES_PER_PAGE = 1_500;
/** The most pages that any of the providers takes. */
const PDF_MAX_PAGES = 1_000;
/** Anthropic, "PDF support": 1,500 to 3,000 tokens of text a page, and the page as an image. */
const PDF_TEXT_PER_PAGE = 3_000;
/** Gemini takes a page as one image (258; Gemini 3 up to 1,120) and does not charge its text. */
const GEMINI_PDF_PER_PAGE = 1_300;

/**
 * An upper bound of one medium in tokens.
 *
 * @param model narrows the ceiling of the family to the model's, where the model is known.
 * @example mediaTokens({ kind: 'image', bytes: undefined }, 'anthropic') // 4800
 */
export function mediaTokens(media: Media, provider: Family, model?: string): number {
  const family = provider === 'other' && model !== undefined ? familyOfModel(model) : provider;
  switch (media.kind) {
    case 'image':
      return imageTokens(family, media.lowDetail === true, model);
    case 'audio':
      return audioTokens(media.bytes, family);
    case 'video':
      return videoTokens(media.bytes, family, media.framesPerSecond ?? 1);
    case 'pdf':
      return pdfTokens(media.bytes, family, model);
    case 'file':
      return UNBOUNDABLE_TOKENS;
  }
}

function imageTokens(family: Family, lowDetail: boolean, model: string | undefined): number {
  if (family === 'openai') {
    if (lowDetail) return OPENAI_IMAGE_HIGH;
    if (model === undefined || model.includes('4o-mini')) return OPENAI_IMAGE_MINI;
    return /^(?:openai\/)?(?:gpt-4|chatgpt-4o|o[134](?:-|$)|gpt-5(?:\.[0-3])?(?:-|$))/.test(model)
      ? OPENAI_IMAGE_HIGH
      : OPENAI_IMAGE_ORIGINAL;
  }
  if (family === 'anthropic' && model !== undefined && isBefore47(model)) return CLAUDE_IMAGE_BEFORE_4_7;
  return IMAGE[family];
}

/** Whether a Claude model is older than 4.7, the first with large images and the newer tokenizer. */
function isBefore47(model: string): boolean {
  if (/claude-(?:instant|[23])/.test(model)) return true;
  const version = /claude-(?:opus|sonnet|haiku)-4(?:[-.]([0-9]))?(?![0-9])/.exec(model);
  return version !== null && Number(version[1] ?? 0) < 7;
}

function audioTokens(bytes: number | undefined, family: Family): number {
  const perSecond = AUDIO_PER_SECOND[family];
  if (bytes === undefined) return family === 'google' ? GEMINI_AUDIO_MAX_SECONDS * perSecond : UNBOUNDABLE_TOKENS;
  return Math.ceil(bytes / AUDIO_MIN_BYTES_PER_SECOND + 1) * perSecond;
}

function videoTokens(bytes: number | undefined, family: Family, framesPerSecond: number): number {
  if (bytes === undefined || !(framesPerSecond >= 0)) return UNBOUNDABLE_TOKENS;
  const seconds = Math.ceil(bytes / VIDEO_MIN_BYTES_PER_SECOND + 1);
  return Math.ceil(seconds * (Math.max(1, framesPerSecond) * VIDEO_PER_FRAME + AUDIO_PER_SECOND[family] + 18));
}

function pdfTokens(bytes: number | undefined, family: Family, model: string | undefined): number {
  const pages =
    bytes === undefined ? PDF_MAX_PAGES : Math.min(PDF_MAX_PAGES, Math.ceil(bytes / PDF_MIN_BYTES_PER_PAGE + 1));
  const perPage = family === 'google' ? GEMINI_PDF_PER_PAGE : PDF_TEXT_PER_PAGE + imageTokens(family, false, model);
  return pages * perPage;
}
