/** The two bounds of a request's input that need no waiting: what a layer inside, or the caller, makes of it is held against them. */
import type { CallRequest } from './call.ts';
import { byteBound, lengthBound } from './pricing/bound.ts';

/** The first bound of a request's input, in constant time for each of its strings. */
export function boundOf({ input, inputTokens, provider, model }: CallRequest): number {
  if (inputTokens !== undefined) return inputTokens;
  return input === undefined ? Number.POSITIVE_INFINITY : lengthBound(input, provider, model);
}

/** The same in exact bytes. */
export function bytesOf({ input, inputTokens, provider, model }: CallRequest): number {
  if (inputTokens !== undefined) return inputTokens;
  return input === undefined ? Number.POSITIVE_INFINITY : byteBound(input, provider, model);
}
