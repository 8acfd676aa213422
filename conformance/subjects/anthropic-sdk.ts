/** The official Anthropic client: messages, whole and streamed. */
import Anthropic from '@anthropic-ai/sdk';
import type { Simulator } from '@agentkavach/simulator';
import type { Client, Task } from '../subject.ts';
import { converse, type Answer, type Dialect } from './conversation.ts';
import { CLAUDE } from './models.ts';

type Message = Anthropic.MessageParam;

const anthropic: Dialect<Message> = {
  user: (prompt) => ({ role: 'user', content: prompt }),
  told: (results) => [
    {
      role: 'user',
      content: results.map(({ id, output }) => ({ type: 'tool_result', tool_use_id: id, content: output })),
    },
  ],
};

const wrapped = (sim: Simulator, { guard, retries = 0 }: Task): Anthropic =>
  guard.wrap(
    new Anthropic({ baseURL: sim.baseURL('anthropic').replace(/\/v1$/, ''), apiKey: 'test', maxRetries: retries }),
  );

const options = ({ signal }: Task) => (signal === undefined ? {} : { signal });

function request(
  { model = CLAUDE.model, maxOutputTokens = 1000, tools = [] }: Task,
  messages: readonly Message[],
): Anthropic.MessageCreateParamsNonStreaming {
  return {
    model,
    messages: [...messages],
    max_tokens: maxOutputTokens,
    ...(tools.length > 0 && {
      tools: tools.map(({ name }) => ({ name, input_schema: { type: 'object' as const, properties: {} } })),
    }),
  };
}

/** A whole answer. */
export function readMessage({ content }: Pick<Anthropic.Message, 'content'>): Answer<Message> {
  return {
    text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    wants: content.flatMap((block) => (block.type === 'tool_use' ? [{ id: block.id, name: block.name }] : [])),
    said: [{ role: 'assistant', content: content as Anthropic.ContentBlockParam[] }],
  };
}

/** `anthropic.messages.create` */
export const anthropicWhole =
  (sim: Simulator): Client =>
  (task) => {
    const { messages: api } = wrapped(sim, task);
    return converse(task, anthropic, async (messages) =>
      readMessage(await api.create(request(task, messages), options(task))),
    );
  };

/** `anthropic.messages.create({ stream: true })` */
export const anthropicStream =
  (sim: Simulator): Client =>
  (task) => {
    const { messages: api } = wrapped(sim, task);
    return converse(task, anthropic, async (messages) =>
      readMessageEvents(await api.create({ ...request(task, messages), stream: true }, options(task)), task),
    );
  };

/** `anthropic.messages.stream`: the client’s own helper. */
export const anthropicHelper =
  (sim: Simulator): Client =>
  (task) => {
    const { messages: api } = wrapped(sim, task);
    return converse(task, anthropic, async (messages) =>
      readMessageEvents(api.stream(request(task, messages), options(task)), task),
    );
  };

/** A streamed answer. */
export async function readMessageEvents(
  events: AsyncIterable<Anthropic.RawMessageStreamEvent>,
  { onText }: Task,
): Promise<Answer<Message>> {
  const content: Anthropic.ContentBlock[] = [];
  for await (const event of events) {
    if (event.type === 'content_block_start') content[event.index] = { ...event.content_block };
    if (event.type !== 'content_block_delta' || event.delta.type !== 'text_delta') continue;
    const block = content[event.index];
    if (block?.type === 'text') block.text += event.delta.text;
    if (onText?.(event.delta.text) === 'leave') break;
  }
  return readMessage({ content });
}
