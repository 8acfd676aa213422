/** The official Mistral client: chat, whole and streamed. */
import { Mistral } from '@mistralai/mistralai';
import type {
  ChatCompletionRequest,
  ChatCompletionResponse,
  CompletionEvent,
} from '@mistralai/mistralai/models/components';
import type { Simulator } from '@agentkavach/simulator';
import type { Client, Task } from '../subject.ts';
import { converse, type Answer, type Dialect, type Wanted } from './conversation.ts';
import { MISTRAL } from './models.ts';

type Message = ChatCompletionRequest['messages'][number];

const mistral: Dialect<Message> = {
  user: (prompt) => ({ role: 'user', content: prompt }),
  told: (results) => results.map(({ id, name, output }) => ({ role: 'tool', toolCallId: id, name, content: output })),
};

const wrapped = (sim: Simulator, { guard }: Task): Mistral =>
  guard.wrap(new Mistral({ serverURL: sim.baseURL('mistral').replace(/\/v1$/, ''), apiKey: 'test' }));

/** The client tries again for a time, not for a number of times. */
function options({ signal, retries = 0 }: Task) {
  const backoff = { initialInterval: 1, maxInterval: 1, exponent: 1, maxElapsedTime: 1000 };
  return {
    ...(signal !== undefined && { fetchOptions: { signal } }),
    retries: retries === 0 ? ({ strategy: 'none' } as const) : { strategy: 'backoff' as const, backoff },
  };
}

function request(
  { model = MISTRAL.model, maxOutputTokens, tools = [] }: Task,
  messages: readonly Message[],
): ChatCompletionRequest {
  return {
    model,
    messages: [...messages],
    ...(maxOutputTokens !== undefined && { maxTokens: maxOutputTokens }),
    ...(tools.length > 0 && {
      tools: tools.map(({ name }) => ({
        type: 'function' as const,
        function: { name, parameters: { type: 'object', properties: {} } },
      })),
    }),
  };
}

function answer(text: string, calls: readonly (Wanted & { readonly args: string })[]): Answer<Message> {
  const toolCalls = calls.map(({ id, name, args }) => ({ id, function: { name, arguments: args } }));
  return {
    text,
    wants: calls,
    said: [{ role: 'assistant', content: text, ...(toolCalls.length > 0 && { toolCalls }) }],
  };
}

function callsIn(
  toolCalls: readonly { id?: string | undefined; function: { name: string; arguments: unknown } }[] = [],
) {
  return toolCalls.map(({ id = '', function: { name, arguments: args } }) => ({
    id,
    name,
    args: typeof args === 'string' ? args : JSON.stringify(args),
  }));
}

const textOf = (content: unknown): string => (typeof content === 'string' ? content : '');

/** A whole answer. */
export function readCompletion({ choices: [choice] }: ChatCompletionResponse): Answer<Message> {
  return answer(textOf(choice?.message?.content), callsIn(choice?.message?.toolCalls ?? []));
}

/** `mistral.chat.complete` */
export const mistralWhole =
  (sim: Simulator): Client =>
  (task) => {
    const { chat } = wrapped(sim, task);
    return converse(task, mistral, async (messages) =>
      readCompletion(await chat.complete(request(task, messages), options(task))),
    );
  };

/** `mistral.chat.stream` */
export const mistralStream =
  (sim: Simulator): Client =>
  (task) => {
    const { chat } = wrapped(sim, task);
    return converse(task, mistral, async (messages) =>
      readCompletionEvents(await chat.stream(request(task, messages), options(task)), task),
    );
  };

/** A streamed answer. */
export async function readCompletionEvents(
  events: AsyncIterable<CompletionEvent>,
  { onText }: Task,
): Promise<Answer<Message>> {
  let text = '';
  const calls: (Wanted & { args: string })[] = [];
  for await (const { data } of events) {
    const delta = data.choices[0]?.delta;
    calls.push(...callsIn(delta?.toolCalls ?? []));
    const piece = textOf(delta?.content);
    text += piece;
    if (piece !== '' && onText?.(piece) === 'leave') break;
  }
  return answer(text, calls);
}
