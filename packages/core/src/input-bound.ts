/** The two bounds of a request's input that need no waiting: what a layer inside, or the caller, makes of it is held against them. */
import type { CallRequest } from './call.ts';
import { byteBound, lengthBound } from './pricing/bound.ts';

/** The first bound of a request's input, in constant time for each of its strings. */
export function boundOf(request: CallRequest): number {
  const { input, inputTokens, provider, model } = request;
  if (inputTokens !== undefined) return inputTokens;
  return input === undefined ? Number.POSITIVE_INFINITY : lengthBound(input, provider, model, keptIn(request));
}

/** The same in exact bytes. */
export function bytesOf(request: CallRequest): number {
  const { input, inputTokens, provider, model } = request;
  if (inputTokens !== undefined) return inputTokens;
  return input === undefined ? Number.POSITIVE_INFINITY : byteBound(input, provider, model, keptIn(request));
}

/** What is known of the items that a request names, for the model that it asks. */
export function keptIn({ keptItems, model }: CallRequest): ((id: string) => number | undefined) | undefined {
  return keptItems && ((id) => keptItems(id, model));
}
