/**
 * Counts and makes tokens without a tokenizer. One token stands for about four bytes, which a real tokenizer's
 * figures exceed for rare text and undercut for common text; what matters is that the count is deterministic and
 * never more than the number of UTF-8 bytes, which is the bound that a careful client reserves.
 */
import { isObject } from './json.ts';

const BYTES_PER_TOKEN = 4;
const TOKENS_PER_MESSAGE = 3;
const TOKENS_PER_MEDIA = 64;

/** Keys that are wiring, not text for the model. */
const WIRING = new Set(
  'type role id call_id tool_call_id tool_use_id status cache_control signature thoughtSignature encrypted_content'.split(
    ' ',
  ),
);
const MEDIA_TYPES = new Set(
  'image image_url input_image document document_url file input_file input_audio audio'.split(' '),
);

/** The texts and media of a prompt. */
export interface Prompt {
  readonly texts: readonly string[];
  readonly media: number;
}

/** Collects every text in messages of any provider's shape. */
export function readPrompt(messages: readonly unknown[]): Prompt {
  const texts: string[] = [];
  let media = 0;
  const walk = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value);
    else if (Array.isArray(value)) for (const item of value) walk(item);
    else if (isObject(value)) {
      if (MEDIA_TYPES.has(String(value['type'])) || 'inlineData' in value || 'fileData' in value) media += 1;
      else for (const [key, item] of Object.entries(value)) if (!WIRING.has(key)) walk(item);
    }
  };
  walk(messages);
  return { texts, media };
}

/**
 * The input in tokens: a quarter of the text's UTF-8 bytes, rounded up, 3 for each message, 64 for each image or
 * file, and a quarter of the JSON bytes of each tool definition or output schema.
 */
export function countInput(prompt: Prompt, messages: number, definitions: readonly unknown[] = []): number {
  let bytes = 0;
  for (const text of prompt.texts) bytes += Buffer.byteLength(text);
  let tokens = Math.ceil(bytes / BYTES_PER_TOKEN) + messages * TOKENS_PER_MESSAGE + prompt.media * TOKENS_PER_MEDIA;
  for (const definition of definitions) {
    tokens += Math.ceil(Buffer.byteLength(JSON.stringify(definition) ?? '') / BYTES_PER_TOKEN);
  }
  return tokens;
}

/** Cuts a text into tokens of at least four bytes, never inside a character. */
export function splitTokens(text: string): string[] {
  const tokens: string[] = [];
  let token = '';
  let bytes = 0;
  for (const character of text) {
    token += character;
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes >= BYTES_PER_TOKEN) {
      tokens.push(token);
      token = '';
      bytes = 0;
    }
  }
  if (token !== '') tokens.push(token);
  return tokens;
}

const WORDS = (
  'every token costs money when nobody counts them so this model answers with plain words that were chosen from ' +
  'one short list over again until somebody says stop'
)
  .split(' ')
  .filter((word) => word.length > 3);

/** Generates `count` tokens, one word each; the same seed gives the same words. */
export function generateTokens(count: number, seed: number): string[] {
  return Array.from({ length: count }, (_, index) => ` ${WORDS[(seed + index * 7) % WORDS.length] ?? 'word'}`);
}

/** Tokens put together in chunks of `size`. */
export function* inChunks(tokens: readonly string[], size: number): Generator<{ text: string; tokens: number }> {
  for (let at = 0; at < tokens.length; at += size) {
    const chunk = tokens.slice(at, at + size);
    yield { text: chunk.join(''), tokens: chunk.length };
  }
}
