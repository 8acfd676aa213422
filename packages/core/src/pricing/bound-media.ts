/**
 * Recognises the parts of a request that carry media, in the shapes of the providers and frameworks, and reads from
 * them what the rules in `media-tokens.ts` need: the kind, and the text where it is text.
 */
import type { Media, MediaKind } from './media-tokens.ts';

/** The `type` of a part that carries media, and what it says about the kind. */
const PART_TYPES: ReadonlyMap<string, MediaKind> = new Map([
  ['image', 'image'],
  ['image_url', 'image'],
  ['input_image', 'image'],
  ['image-url', 'image'],
  ['image-data', 'image'],
  ['image-file-id', 'image'],
  ['image-file-reference', 'image'],
  ['image_file', 'image'],
  ['computer_screenshot', 'image'],
  ['image_generation_call', 'image'],
  ['audio', 'audio'],
  ['input_audio', 'audio'],
  ['audio_url', 'audio'],
  ['video', 'video'],
  ['video_url', 'video'],
  ['file', 'file'],
  ['input_file', 'file'],
  ['file-data', 'file'],
  ['file-url', 'file'],
  ['file-id', 'file'],
  ['file-reference', 'file'],
  ['reasoning-file', 'file'],
  ['media', 'file'],
  ['document', 'file'],
  ['document_url', 'file'],
  ['container_upload', 'file'],
]);

/** Keys that make an object a media part of Google's, which has no `type`. */
const PART_KEYS: ReadonlySet<string> = new Set(['inlineData', 'inline_data', 'fileData', 'file_data']);

const MEDIA_TYPE_KEYS: ReadonlySet<string> = new Set([
  'mediaType',
  'media_type',
  'mimeType',
  'mime_type',
  'contentType',
]);
const PAYLOAD_KEYS: ReadonlySet<string> = new Set(
  (
    'data image image_url imageUrl imageUri url uri source file audio video base64 result input_audio inputAudio audio_url ' +
    'video_url file_data fileData file_url fileUrl fileUri file_uri document_url documentUrl'
  ).split(' '),
);
const POINTER_KEYS: ReadonlySet<string> = new Set(['file_id', 'fileId', 'reference', 'providerReference']);
const TEXT_FILE =
  /^(?:text\/|application\/(?:json|xml|x?html|javascript|typescript|yaml|x-yaml|csv|x-ndjson|sql|rtf)\b|[^;]*\+(?:json|xml)\b)/i;
const REMOTE = /^[a-z][a-z0-9+.-]{0,15}:\/\//i;

/** The media kind that a part's `type` announces; `undefined` for parts that carry text. */
export function mediaKindOf(type: string): MediaKind | undefined {
  return PART_TYPES.get(type);
}

/** Whether a key holds a media part although the object around it has no `type`. */
export function holdsMedia(key: string): boolean {
  return PART_KEYS.has(key);
}

/** What was read from a media part. */
export interface MediaPart {
  /** Everything the part could be taken for; the bound is the largest of them. Empty: it only carries text. */
  readonly media: Media[];
  /** Text files carried inline: their bytes, or a base64 text, or a `data:` URL. */
  readonly textFiles: (Uint8Array | string)[];
  /** Plain text found in the part: a document's text, a title. */
  readonly texts: string[];
  /** Everything else in it, as JSON: options, citations, ids. */
  readonly rest: unknown[];
  /** Blocks nested in the part, to be walked like a message's content. */
  readonly blocks: unknown[];
}

interface Reading extends MediaPart {
  mediaType: string | undefined;
  remote: boolean;
  inline: (Uint8Array | string)[];
  lowDetail: boolean;
  filename: string | undefined;
}

/** Reads one media part. `hint` is what its `type` announces. */
export function readMediaPart(part: object, hint: MediaKind): MediaPart {
  const reading: Reading = {
    media: [],
    textFiles: [],
    texts: [],
    rest: [],
    blocks: [],
    mediaType: undefined,
    remote: false,
    inline: [],
    lowDetail: false,
    filename: undefined,
  };
  readFields(part, reading, 0);
  const kinds = new Set<MediaKind | 'text'>();
  if (hint !== 'file') kinds.add(hint);
  const fromType = reading.mediaType === undefined ? undefined : kindOfMediaType(reading.mediaType);
  if (fromType !== undefined) kinds.add(fromType);
  // A file that says nothing of its type, but is not text either: a PDF by its name or its first bytes.
  if (kinds.size === 0 && (reading.inline.length > 0 || reading.remote)) kinds.add(sniff(reading));
  for (const kind of kinds) {
    if (kind === 'text' && !reading.remote) reading.textFiles.push(...reading.inline);
    else reading.media.push({ kind: kind === 'text' ? 'file' : kind, lowDetail: reading.lowDetail });
  }
  return reading;
}

function readFields(fields: object, reading: Reading, depth: number): void {
  const isText = (fields as { type?: unknown }).type === 'text';
  for (const [key, value] of Object.entries(fields)) readField(key, value, isText, reading, depth);
}

function readField(key: string, value: unknown, isText: boolean, reading: Reading, depth: number): void {
  if (typeof value === 'string') {
    if (MEDIA_TYPE_KEYS.has(key)) reading.mediaType = value;
    else if (key === 'filename' || key === 'name') reading.texts.push((reading.filename = value));
    else if (key === 'detail') reading.lowDetail = value === 'low';
    else if (key === 'text' || (isText && key === 'data')) reading.texts.push(value);
    else if (PAYLOAD_KEYS.has(key)) readPayload(value, reading);
    else {
      if (POINTER_KEYS.has(key)) reading.remote = true;
      reading.rest.push(value);
    }
  } else if (value instanceof Uint8Array) {
    reading.inline.push(value);
  } else if (value instanceof ArrayBuffer) {
    reading.inline.push(new Uint8Array(value));
  } else if (value instanceof URL) {
    readPayload(value.href, reading);
  } else if (typeof value === 'object' && value !== null) {
    readNested(key, value, reading, depth);
  }
}

function readNested(key: string, value: object, reading: Reading, depth: number): void {
  if (key === 'content' || Array.isArray(value)) reading.blocks.push(value);
  else if (POINTER_KEYS.has(key)) reading.remote = true;
  else if (depth < 4 && (PAYLOAD_KEYS.has(key) || PART_KEYS.has(key))) {
    // A stream or blob can't be read here: like a pointer, its size is not known.
    if (isPlain(value)) readFields(value, reading, depth + 1);
    else reading.remote = true;
    if ((value as { type?: unknown }).type === 'reference') reading.remote = true;
  } else reading.rest.push(value);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function readPayload(value: string, reading: Reading): void {
  if (value.startsWith('data:')) {
    const comma = value.indexOf(',');
    if (comma > 0) reading.mediaType ??= value.slice(5, comma).split(';', 1)[0] ?? '';
    reading.inline.push(value);
  } else if (REMOTE.test(value)) {
    reading.remote = true;
    reading.texts.push(value);
  } else {
    reading.inline.push(value);
  }
}

function kindOfMediaType(mediaType: string): MediaKind | 'text' {
  if (/^image\b/i.test(mediaType)) return 'image';
  if (/^audio\b/i.test(mediaType)) return 'audio';
  if (/^video\b/i.test(mediaType)) return 'video';
  if (/^application\/pdf\b/i.test(mediaType)) return 'pdf';
  return TEXT_FILE.test(mediaType) ? 'text' : 'file';
}

function sniff(reading: Reading): MediaKind {
  if (reading.filename !== undefined && /\.pdf$/i.test(reading.filename)) return 'pdf';
  return reading.inline.some((data) => typeof data === 'string' && data.startsWith('JVBERi0')) ? 'pdf' : 'file';
}
