/**
 * What an AI SDK error says about the bill. Core knows error statuses and connections that were never made; here stand
 * the errors that only this SDK has.
 */
import { count, fields, text, type Fields } from './shape.ts';

/**
 * Errors that the SDK and its providers throw before a request leaves. Recognised by the marker of the class, which
 * survives two copies of a package. A TypeValidationError is not among them: it may be about the answer.
 */
const BEFORE_SENDING = [
  'AI_LoadAPIKeyError',
  'AI_LoadSettingError',
  'AI_UnsupportedFunctionalityError',
  'AI_InvalidPromptError',
  'AI_InvalidArgumentError',
  'AI_NoSuchModelError',
  'AI_NoSuchProviderReferenceError',
  'AI_TooManyEmbeddingValuesForCallError',
  'AI_DownloadError',
].map((name) => Symbol.for(`vercel.ai.error.${name}`));

/** Whether an error proves that no request was sent: a missing key, an unsupported setting, an invalid argument. */
export function wasNotSent(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && BEFORE_SENDING.some((marker) => Reflect.get(error, marker) === true)
  );
}

/** Stands in for a failure with an error status that was billed all the same, so that core does not release it. */
class BilledFailure extends Error {
  constructor(readonly failure: unknown) {
    super('The provider reported a failure after it had billed tokens.');
  }
}

/**
 * Runs the provider's call, and finds the error statuses that no provider sent: the SDK makes one up where a stream
 * that was accepted begins with an error event, and where OpenAI's Responses endpoint answers a failed generation with
 * HTTP 200. What was billed is then unknown, not nothing.
 */
export async function asBilled<T>(send: () => PromiseLike<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    throw hasMadeUpStatus(fields(error)) ? new BilledFailure(error) : error;
  }
}

function hasMadeUpStatus(error: Fields | undefined): boolean {
  if (error === undefined || (count(error['statusCode']) ?? 0) < 400) return false;
  const output = count(fields(fields(error['responseBody'])?.['usage'])?.['output_tokens']);
  if (output !== undefined && output > 0) return true;
  // Providers send errors as JSON. A quota, a rate limit or a bad request inside a stream was refused all the same.
  const type = text(fields(error['responseHeaders'])?.['content-type']) ?? '';
  return type.startsWith('text/event-stream') && !REFUSED.has(error['statusCode']);
}

const REFUSED = new Set<unknown>([400, 401, 402, 403, 404, 413, 422, 429]);

/** Gives the caller the provider's own error back. */
export async function unmasked<T>(guarded: Promise<T>): Promise<T> {
  try {
    return await guarded;
  } catch (error) {
    throw error instanceof BilledFailure ? error.failure : error;
  }
}
