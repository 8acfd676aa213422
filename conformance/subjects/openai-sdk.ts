/** The official OpenAI client: chat completions and responses, whole and streamed. */
import OpenAI from 'openai';
import type { Simulator } from '@agentkavach/simulator';
import type { Client, Task } from '../subject.ts';
import { converse, type Answer, type Dialect } from './conversation.ts';
import { GPT_4_1 } from './models.ts';
import { chatRequest, openAIChat, readChunks, readCompletion } from './openai-chat.ts';

const wrapped = (sim: Simulator, { guard, retries = 0 }: Task): OpenAI =>
  guard.wrap(new OpenAI({ baseURL: sim.baseURL('openai'), apiKey: 'test', maxRetries: retries }));

const options = ({ signal }: Task) => (signal === undefined ? {} : { signal });

/** `openai.chat.completions.create` */
export const openAIChatWhole =
  (sim: Simulator): Client =>
  (task) => {
    const { completions } = wrapped(sim, task).chat;
    return converse(task, openAIChat, async (messages) =>
      readCompletion(await completions.create(chatRequest(task, messages), options(task))),
    );
  };

/** `openai.chat.completions.create({ stream: true })` */
export const openAIChatStream =
  (sim: Simulator): Client =>
  (task) => {
    const { completions } = wrapped(sim, task).chat;
    return converse(task, openAIChat, async (messages) =>
      readChunks(await completions.create({ ...chatRequest(task, messages), stream: true }, options(task)), task),
    );
  };

type Item = OpenAI.Responses.ResponseInputItem;

const openAIResponses: Dialect<Item> = {
  user: (prompt) => ({ role: 'user', content: prompt }),
  told: (results) => results.map(({ id, output }) => ({ type: 'function_call_output', call_id: id, output })),
};

function responsesRequest(
  { model = GPT_4_1.model, maxOutputTokens, tools = [] }: Task,
  input: readonly Item[],
): OpenAI.Responses.ResponseCreateParamsNonStreaming {
  return {
    model,
    input: [...input],
    store: false,
    ...(maxOutputTokens !== undefined && { max_output_tokens: maxOutputTokens }),
    ...(tools.length > 0 && {
      tools: tools.map(({ name }) => ({
        type: 'function',
        name,
        parameters: { type: 'object', properties: {} },
        strict: false,
      })),
    }),
  };
}

function readResponse({ output }: Pick<OpenAI.Responses.Response, 'output'>): Answer<Item> {
  const parts = output.flatMap((item) => (item.type === 'message' ? item.content : []));
  return {
    text: parts.map((part) => (part.type === 'output_text' ? part.text : '')).join(''),
    wants: output.flatMap((item) => (item.type === 'function_call' ? [{ id: item.call_id, name: item.name }] : [])),
    said: output as Item[],
  };
}

async function readEvents(
  events: AsyncIterable<OpenAI.Responses.ResponseStreamEvent>,
  { onText }: Task,
): Promise<Answer<Item>> {
  for await (const event of events) {
    if (event.type === 'response.completed' || event.type === 'response.incomplete')
      return readResponse(event.response);
    if (event.type === 'response.output_text.delta' && onText?.(event.delta) === 'leave') break;
  }
  return { text: '', wants: [], said: [] };
}

/** `openai.responses.create` */
export const openAIResponsesWhole =
  (sim: Simulator): Client =>
  (task) => {
    const { responses } = wrapped(sim, task);
    return converse(task, openAIResponses, async (input) =>
      readResponse(await responses.create(responsesRequest(task, input), options(task))),
    );
  };

/** `openai.responses.create({ stream: true })` */
export const openAIResponsesStream =
  (sim: Simulator): Client =>
  (task) => {
    const { responses } = wrapped(sim, task);
    return converse(task, openAIResponses, async (input) =>
      readEvents(await responses.create({ ...responsesRequest(task, input), stream: true }, options(task)), task),
    );
  };
