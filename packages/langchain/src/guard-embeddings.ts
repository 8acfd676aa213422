/** Guards an embeddings object: each batch that it sends is a call. */
import type { EmbeddingsInterface } from '@langchain/core/embeddings';
import { ConfigError, type AgentKavach, type CallRequest } from '@agentkavach/core';
import { deploymentOf, standIn } from './attempt.ts';
import { described, guardOf, type GuardOrOptions } from './guard-of.ts';
import { modelNameOf } from './model-name.ts';
import { RawAnswer } from './raw-answer.ts';
import { withRetries } from './retries.ts';
import { count, fields, text } from './shape.ts';

type Send = (input: unknown) => Promise<unknown>;

/**
 * Embeddings whose calls go through the guard; the same type comes back. Retries of a batch are calls of their own.
 * Google reports no usage for embeddings: their input bound is charged, as an estimate.
 *
 * @param guardOrOptions a guard to share, the options of a new one, or nothing
 * @throws ConfigError for an object that is none
 * @example
 * const store = new MemoryVectorStore(guardEmbeddings(new OpenAIEmbeddings({ model: 'text-embedding-3-small' }), guard));
 */
export function guardEmbeddings<E extends EmbeddingsInterface>(embeddings: E, guardOrOptions?: GuardOrOptions): E {
  const own = fields(embeddings);
  if (typeof own?.['embedQuery'] !== 'function' || typeof own['embedDocuments'] !== 'function') {
    throw new ConfigError(
      `guardEmbeddings() takes embeddings of LangChain, such as new OpenAIEmbeddings(), got ${described(embeddings)}.`,
      { path: 'embeddings' },
    );
  }
  const guard = guardOf(guardOrOptions);
  const query = sender(embeddings, guard, own['embedQuery'] as Send);
  const batch = sender(embeddings, guard, own['embedDocuments'] as Send);
  const documents = async (texts: readonly string[]): Promise<unknown> => {
    const answers = await Promise.all(batchesOf(texts, embeddings).map(batch));
    return answers.flat();
  };
  const methods = new Map<string | symbol, unknown>([
    ['embedQuery', query],
    ['embedDocuments', documents],
  ]);
  return new Proxy(embeddings, {
    get: (target, key, receiver) =>
      methods.has(key) ? methods.get(key) : (Reflect.get(target, key, receiver) as unknown),
  });
}

/** One request for each input, with the retries of the embeddings object around the guard. */
function sender(embeddings: object, guard: AgentKavach, send: Send): Send {
  return (input) =>
    withRetries(embeddings, undefined, () => {
      const request = requestOf(embeddings, input);
      return guard.call(request, async (grant) => {
        const raw = new RawAnswer(request.provider);
        const self = standIn(embeddings, request.model, grant, raw, () => undefined);
        const value = await send.call(self, input);
        const { usage, model } = raw.figures ?? {};
        return { value, usage: usage && { ...usage, outputTokens: 0 }, model };
      });
    });
}

function requestOf(embeddings: object, input: unknown): CallRequest {
  const model = text(Reflect.get(embeddings, 'model')) ?? text(Reflect.get(embeddings, 'modelName'));
  // Embeddings say nothing of their provider but the name of their class.
  const provider = embeddings.constructor.name.replace(/(AI)?Embeddings?$/, (end) =>
    end.startsWith('AI') ? 'AI' : '',
  );
  const params = model === undefined ? {} : { model };
  const name = modelNameOf({ ls_provider: provider }, params, deploymentOf(embeddings));
  return { ...name, kind: 'embedding', input: { messages: input } };
}

/** The batches that the embeddings object would send, so that each request is a call. */
function batchesOf(texts: readonly string[], embeddings: object): readonly (readonly string[])[] {
  const size =
    count(Reflect.get(embeddings, 'batchSize')) ?? count(Reflect.get(embeddings, 'maxBatchSize')) ?? texts.length;
  const batches: (readonly string[])[] = [];
  for (let at = 0; at < texts.length; at += Math.max(1, size)) batches.push(texts.slice(at, at + Math.max(1, size)));
  return batches;
}
