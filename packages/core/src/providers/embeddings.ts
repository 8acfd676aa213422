/** Embeddings as OpenAI and Mistral take them: input without output. */
import type { Draft, RawCall } from './draft.ts';
import { modelOf } from './openai-chat.ts';
import { figuresOfResponse } from './response.ts';

/** A request for embeddings. Vectors of another model are of no use, so the model is never switched. */
export function embeddingsDraft(call: RawCall): Draft {
  const { provider, body } = call;
  return {
    request: {
      provider,
      model: modelOf(call),
      kind: 'embedding',
      input: { input: body['input'] ?? body['inputs'] ?? '' },
      textOnly: true,
    },
    isStream: false,
    edits: () => ({}),
    figures: (answer) => figuresOfResponse(provider, answer),
  };
}
