/**
 * How our errors get through clients that take every failure of `fetch` for a lost connection and try again (those of OpenAI
 * and Anthropic): as an answer with an error status that says not to retry, and is turned back into the error where
 * the client makes its own out of it.
 */
import type { KavachError } from '../errors.ts';

const refusals = new WeakMap<object, KavachError>();

/** Payment required: the one status that no provider's client retries and none of them gives a class of its own. */
const STATUS = 402;

/** An answer that stands for a refusal. */
export function refusalAnswer(error: KavachError): Response {
  const { code, message } = error;
  const body = JSON.stringify({ error: { type: 'agentkavach', code, message } });
  const answer = new Response(body, {
    status: STATUS,
    headers: { 'content-type': 'application/json', 'x-should-retry': 'false' },
  });
  refusals.set(answer.headers, error);
  return answer;
}

/** The refusal that an answer stands for, by its headers. */
export function refusalOf(headers: unknown): KavachError | undefined {
  return typeof headers === 'object' && headers !== null ? refusals.get(headers) : undefined;
}
