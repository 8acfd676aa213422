/** Embeddings as OpenAI and Mistral answer them. */
import type { Answer } from '../answer.ts';
import { numberOf } from '../json.ts';
import type { Provider } from '../request.ts';
import type { Wire } from './wire.ts';
import { BadRequest, required } from './wire.ts';

const DEFAULT_DIMENSIONS = 8;

/** A vector of length 1 that depends on the position only: nobody searches with it. */
export function vector(index: number, dimensions: number): number[] {
  const values = Array.from({ length: dimensions }, (_, at) => Math.cos((index + 1) * (at + 1)));
  const length = Math.hypot(...values);
  return values.map((value) => Math.fround(value / length));
}

/** Token ids count as one token each: a text of four bytes for the counter. */
function inputsOf(input: unknown): string[] {
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input)) throw new BadRequest("Missing required parameter: 'input'.", 'input');
  if (input.every((item) => typeof item === 'number')) return ['....'.repeat(input.length)];
  return input.map((item) => (Array.isArray(item) ? '....'.repeat(item.length) : String(item)));
}

function embeddingList(answer: Answer): unknown {
  const { body } = answer.request;
  const dimensions = numberOf(body['dimensions']) ?? numberOf(body['output_dimension']) ?? DEFAULT_DIMENSIONS;
  const base64 = body['encoding_format'] === 'base64';
  return {
    object: 'list',
    data: inputsOf(body['input']).map((_, index) => {
      const values = vector(index, dimensions);
      const embedding = base64 ? Buffer.from(new Float32Array(values).buffer).toString('base64') : values;
      return { object: 'embedding', index, embedding };
    }),
    model: answer.model,
    ...(answer.request.provider === 'mistral' && { id: answer.id }),
    ...(answer.tellUsage && {
      usage: {
        prompt_tokens: answer.usage.inputTokens,
        total_tokens: answer.usage.inputTokens,
        ...(answer.request.provider === 'mistral' && { completion_tokens: 0 }),
      },
    }),
  };
}

const embeddings = (provider: Provider): Wire => ({
  provider,
  api: 'embeddings',
  read: (body) => ({ model: required(body, 'model'), streamed: false, messages: inputsOf(body['input']) }),
  whole: embeddingList,
});

export const openaiEmbeddings: Wire = embeddings('openai');
export const mistralEmbeddings: Wire = embeddings('mistral');
