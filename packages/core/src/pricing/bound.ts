/**
 * Upper bounds of a request's input tokens, computed in microseconds without a tokenizer. A bound that real usage
 * exceeds is a bug; why these hold, and how far above they lie, stands in `docs/token-bound.md`.
 */
import { overheadOf } from './bound-provider.ts';
import { byteMeter, lengthMeter } from './bound-text.ts';
import { walkRequest, type WalkOptions } from './bound-walk.ts';

/**
 * The bound of the hot path, in tokens: three per UTF-16 unit of text, six inside JSON, and the provider's overhead. It
 * reads no text, only lengths; for Claude it also looks for characters that NFKC expands.
 *
 * @param input what goes to the model: a text, messages in any provider's or framework's shape, or an object with
 * `messages`, `tools`, a response format … Cycles and nesting deeper than 100 give a bound beyond any context window.
 * @param provider as in `CallRequest`; an unknown name takes the highest figures.
 * @param model as in `CallRequest`; decides where a provider serves other vendors' models: Claude on Vertex AI.
 * @param kept the most tokens of an item that the input names by its id; `undefined` for one that is not known
 * @example lengthBound([{ role: 'user', content: 'Hello' }], 'openai')
 */
export function lengthBound(input: unknown, provider: string, model?: string, kept?: WalkOptions['kept']): number {
  const overhead = overheadOf(provider, model);
  return walkRequest(input, { meter: lengthMeter(overhead.normalization), overhead, kept });
}

/**
 * The sharper synchronous bound, in tokens: exact UTF-8 bytes instead of three per unit. Never above `lengthBound`, and
 * still an upper bound. Reads every character: about 20 µs for 100 KB of English, 130 µs for as much Chinese.
 *
 * @example byteBound('Grüße', 'openai')
 */
export function byteBound(input: unknown, provider: string, model?: string, kept?: WalkOptions['kept']): number {
  const overhead = overheadOf(provider, model);
  return walkRequest(input, { meter: byteMeter(overhead.normalization), overhead, kept });
}
