/**
 * Mastra's model router answers a missing key with a stream that is nothing but an error. To a guard that looks like a
 * request that failed half-way, and would be charged; thrown, with the mark of an error before sending, it is not.
 */
import { ModelRouterLanguageModel } from '@mastra/core/llm';
import { withMethods } from './stand-in.ts';

/** By this mark of the AI SDK, guarded models know that nothing was sent. */
const NO_KEY = Symbol.for('vercel.ai.error.AI_LoadAPIKeyError');

type Send = (options: unknown) => PromiseLike<unknown>;

/** The model; where it is a router, one that throws what keeps it from sending. */
export function throwingUnsent<M extends object>(model: M): M {
  if (!(model instanceof ModelRouterLanguageModel)) return model;
  const sending = (key: 'doGenerate' | 'doStream'): Send => {
    return async (options) => assertSent(await (Reflect.get(model, key) as Send).call(model, options));
  };
  return withMethods(model, { doGenerate: sending('doGenerate'), doStream: sending('doStream') });
}

async function assertSent(answer: unknown): Promise<unknown> {
  // An answer of a provider has more than its stream.
  if (typeof answer !== 'object' || answer === null || Object.keys(answer).join() !== 'stream') return answer;
  const { stream } = answer as { stream: ReadableStream<{ readonly type: string; readonly error?: unknown }> };
  const [head, rest] = stream.tee();
  const reader = head.getReader();
  const { value } = await reader.read();
  void reader.cancel();
  if (value?.type !== 'error') return { stream: rest };
  await rest.cancel();
  const error = value.error instanceof Error ? value.error : new Error(String(value.error));
  throw Object.assign(error, { [NO_KEY]: true });
}
