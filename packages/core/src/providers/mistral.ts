/**
 * Mistral's endpoints: OpenAI's chat format, code completion in the middle, agents.
 * Source: docs.mistral.ai/api.
 */
import type { Draft, Endpoints, RawCall } from './draft.ts';
import { embeddingsDraft } from './embeddings.ts';
import { chatDraft } from './openai-chat.ts';
import { text } from './usage-fields.ts';

const BOOK = 'Send it with a client that is not wrapped and book its cost with guard.charge()';

/** What each of Mistral's paths costs. */
export const MISTRAL_ENDPOINTS: Endpoints = [
  [/\/chat\/completions$/, chatDraft],
  [/\/fim\/completions$/, chatDraft],
  [/\/agents\/completions$/, agentDraft],
  [/\/embeddings$/, embeddingsDraft],
  [/\/files$|\/agents$|\/agents\/[^/]+(\/version)?$|\/batch\/jobs\/[^/]+\/cancel$/, 'free'],
  [
    /\/batch\/jobs$/,
    {
      unpriceable: `a batch is as many calls as its file has lines, and ends after hours. Send the requests one by one. Else: ${BOOK}`,
    },
  ],
  [
    /\/conversations(\/|$)/,
    { unpriceable: `a conversation keeps its input at Mistral, and runs tools there. ${BOOK}` },
  ],
  [
    /\/(moderations|classifications|ocr)$|\/chat\/(moderations|classifications)$/,
    { unpriceable: `the answer does not say what it cost. ${BOOK}` },
  ],
  [/\/audio\//, { unpriceable: `audio is billed by the minute, which the answer does not say. ${BOOK}` }],
  [/\/fine_tuning\//, { unpriceable: `training is billed by what it trained, after hours. ${BOOK}` }],
  [/\/libraries(\/|$)/, { unpriceable: `documents are read by models on Mistral’s side. ${BOOK}` }],
];

/** An agent's completion. Only Mistral knows which model it is: the price goes by the agent's id, from the `prices` option. */
function agentDraft(call: RawCall): Draft {
  const model = text(call.body['agent_id']) ?? '';
  const draft = chatDraft(call);
  return {
    ...draft,
    request: { ...draft.request, model, canSwitchModel: false },
    edits: (grant) => draft.edits({ ...grant, model: draft.request.model }),
  };
}
