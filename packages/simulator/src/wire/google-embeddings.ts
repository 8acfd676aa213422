/** Google's embedContent and batchEmbedContents: https://ai.google.dev/api/embeddings (they report no usage). */
import { isObject, listOf, numberOf } from '../json.ts';
import { vector } from './openai-embeddings.ts';
import type { Wire } from './wire.ts';
import { BadRequest } from './wire.ts';

const DEFAULT_DIMENSIONS = 8;

export const googleEmbeddings: Wire = {
  provider: 'google',
  api: 'embeddings',
  read(body, target) {
    const items = target.batch ? listOf(body['requests']).filter(isObject) : [body];
    const contents = items.map((item) => item['content']);
    if (contents.length === 0 || contents.some((content) => !isObject(content))) {
      throw new BadRequest('content is not specified', 'content');
    }
    return { model: target.model ?? '', streamed: false, messages: contents };
  },
  whole({ request: { body } }) {
    const embedding = (item: unknown, index: number): unknown => {
      const asked = isObject(item) ? numberOf(item['outputDimensionality']) : undefined;
      return { values: vector(index, asked ?? DEFAULT_DIMENSIONS) };
    };
    return Array.isArray(body['requests'])
      ? { embeddings: body['requests'].map(embedding) }
      : { embedding: embedding(body, 0) };
  },
};
