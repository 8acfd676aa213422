/**
 * How our errors get through clients that take every failure of `fetch` for a lost connection and try again (those of OpenAI
 * and Anthropic): as an answer with an error status that says not to retry, and is turned back into the error where
 * the client makes its own out of it.
 */
import type { KavachError } from '../errors.ts';

const refusals = new WeakMap<object, KavachError>();

/** Names the refusal in the answer: whoever stands in between, a client's middleware, may make a new answer of it. */
const NAME = 'x-agentkavach-refusal';
const named = new Map<string, KavachError>();

/** Refusals that are kept by name. An answer reaches its client within moments, so the oldest are nobody's. */
const MOST_NAMED = 256;

/** Payment required: the one status that no provider's client retries and none of them gives a class of its own. */
const STATUS = 402;

/** An answer that stands for a refusal. */
export function refusalAnswer(error: KavachError): Response {
  const { code, message } = error;
  const body = JSON.stringify({ error: { type: 'agentkavach', code, message } });
  const answer = new Response(body, {
    status: STATUS,
    headers: { 'content-type': 'application/json', 'x-should-retry': 'false', [NAME]: nameOf(error) },
  });
  refusals.set(answer.headers, error);
  return answer;
}

/** The refusal that an answer stands for, by its headers. */
export function refusalOf(headers: unknown): KavachError | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  return refusals.get(headers) ?? (headers instanceof Headers ? named.get(headers.get(NAME) ?? '') : undefined);
}

function nameOf(error: KavachError): string {
  const name = crypto.randomUUID();
  named.set(name, error);
  for (const oldest of named.keys()) {
    if (named.size <= MOST_NAMED) break;
    named.delete(oldest);
  }
  return name;
}
