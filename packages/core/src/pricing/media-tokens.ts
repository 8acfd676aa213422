/**
 * What images, audio, video and files cost at most, in tokens, by the providers' published rules; where a rule needs a
 * figure that nobody has (pixels, pages, seconds), the provider's maximum. `docs/token-bound.md` lists the sources.
 */
import { familyOfModel, isBeforeClaude47, UNBOUNDABLE_TOKENS } from './bound-provider.ts';
import type { Family } from './bound-provider.ts';

/** What a part carries, as far as it says so. `file` is anything else: its text can't be bounded from its bytes. */
export type MediaKind = 'image' | 'audio' | 'video' | 'pdf' | 'file';

/** One medium of a request. */
export interface Media {
  readonly kind: MediaKind;
  /** Whether the part asks for OpenAI's `detail: 'low'`. */
  readonly lowDetail?: boolean | undefined;
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

// Gemini API, "Audio understanding": 32 tokens a second, at most 9.5 hours in one prompt.
const GEMINI_AUDIO = 9.5 * 3_600 * 32;

// Gemini API, "Document understanding": at most 1,000 pages, each taken as one image (258; Gemini 3 up to 1,120); the
// text in it is not charged.
const GEMINI_PDF = 1_000 * 1_300;

/**
 * An upper bound of one medium in tokens.
 *
 * @param model narrows the ceiling of the family to the model's, where the model is known.
 * @example mediaTokens({ kind: 'image' }, 'anthropic') // 4800
 */
export function mediaTokens(media: Media, provider: Family, model?: string): number {
  const family = provider === 'other' && model !== undefined ? familyOfModel(model) : provider;
  switch (media.kind) {
    case 'image':
      return imageTokens(family, media.lowDetail === true, model);
    // A file's bytes say nothing of its seconds or pages: silence compresses to nothing, and a thousand pages can share
    // one stream of dense text. What bounds it is the provider's maximum, or else the context window.
    case 'audio':
      return family === 'google' ? GEMINI_AUDIO : UNBOUNDABLE_TOKENS;
    case 'pdf':
      return family === 'google' ? GEMINI_PDF : UNBOUNDABLE_TOKENS;
    case 'video':
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
  if (family === 'anthropic' && model !== undefined && isBeforeClaude47(model)) return CLAUDE_IMAGE_BEFORE_4_7;
  return IMAGE[family];
}
