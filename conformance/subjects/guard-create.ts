/** `guard.create`: each provider asked in OpenAI's form, through its official SDK. */
import type { ChatMessage as Said, ChatParams } from '@agentkavach/core';
import type { Provider, Simulator } from '@agentkavach/simulator';
import type { Client, Departure, Subject, Task } from '../subject.ts';
import { readMessage, readMessageEvents } from './anthropic-sdk.ts';
import { converse, type Answer } from './conversation.ts';
import { readParts, readStream } from './google-sdk.ts';
import { readCompletion as readMistral, readCompletionEvents as readMistralEvents } from './mistral-sdk.ts';
import { CLAUDE, GEMINI, GPT_4O, MISTRAL } from './models.ts';
import { chatRequest, openAIChat, readChunks, readCompletion, type ChatMessage } from './openai-chat.ts';

type Asking = (task: Task, messages: readonly ChatMessage[]) => Promise<Answer<unknown>>;

const asking = (ask: Asking) => (): Client => (task) =>
  converse(task, openAIChat, async (messages) => inChatForm(await ask(task, messages)));

/** A provider's own answer, said back in OpenAI's form. */
function inChatForm({ text, wants }: Answer<unknown>): Answer<ChatMessage> {
  const tool_calls = wants.map(({ id, name }) => ({
    id,
    type: 'function' as const,
    function: { name, arguments: '{}' },
  }));
  return { text, wants, said: [{ role: 'assistant', content: text, ...(wants.length > 0 && { tool_calls }) }] };
}

/** What every provider understands. */
function paramsOf({ maxOutputTokens, tools = [] }: Task, messages: readonly ChatMessage[]): ChatParams {
  return {
    messages: messages as readonly Said[],
    ...(maxOutputTokens !== undefined && { max_tokens: maxOutputTokens }),
    ...(tools.length > 0 && {
      tools: tools.map(({ name }) => ({
        type: 'function',
        function: { name, parameters: { type: 'object', properties: {} } },
      })),
    }),
  };
}

const beside = ({ signal }: Task) => (signal === undefined ? {} : { signal });

/** The request, whoever is asked. */
function requestOf<const P extends Provider>(
  { provider, model }: { readonly provider: P; readonly model: string },
  task: Task,
  messages: readonly ChatMessage[],
): ChatParams & { readonly provider: P; readonly model: string } {
  return { provider, model: task.model ?? model, ...paramsOf(task, messages) };
}

const askOpenAI: Asking = async (task, messages) =>
  readCompletion(await task.guard.create({ provider: 'openai', ...chatRequest(task, messages) }, beside(task)));

const streamOpenAI: Asking = async (task, messages) => {
  const request = { provider: 'openai', ...chatRequest(task, messages), stream: true } as const;
  return readChunks(await task.guard.create(request, beside(task)), task);
};

const askAnthropic: Asking = async (task, messages) =>
  readMessage(await task.guard.create(requestOf(CLAUDE, task, messages), beside(task)));

const streamAnthropic: Asking = async (task, messages) => {
  const request = { ...requestOf(CLAUDE, task, messages), stream: true } as const;
  return readMessageEvents(await task.guard.create(request, beside(task)), task);
};

const askGoogle: Asking = async (task, messages) =>
  readParts([await task.guard.create(requestOf(GEMINI, task, messages), beside(task))]);

const streamGoogle: Asking = async (task, messages) => {
  const request = { ...requestOf(GEMINI, task, messages), stream: true } as const;
  return readStream(await task.guard.create(request, beside(task)), task);
};

const askMistral: Asking = async (task, messages) =>
  readMistral(await task.guard.create(requestOf(MISTRAL, task, messages), beside(task)));

const streamMistral: Asking = async (task, messages) => {
  const request = { ...requestOf(MISTRAL, task, messages), stream: true } as const;
  return readMistralEvents(await task.guard.create(request, beside(task)), task);
};

/** Key and address, as the provider's own SDK takes them. */
const access = (provider: Provider) => (sim: Simulator) => {
  const url = sim.baseURL(provider);
  return { provider, llmKey: 'test', baseURL: provider === 'openai' ? url : url.replace(/\/v1(beta)?$/, '') };
};

const NO_RETRIES: Readonly<Record<string, Departure>> = {
  retry: { kind: 'absent', why: 'This client does not try again by default.' },
  'retry-refused': { kind: 'absent', why: 'This client does not try again by default.' },
};

const both = (
  asked: Pick<Subject, 'provider' | 'model' | 'cheaper'>,
  name: string,
  ask: Asking,
  stream: Asking,
  departures: Readonly<Record<string, Departure>> = {},
): readonly Subject[] => [
  {
    framework: '`guard.create`',
    ...asked,
    name,
    streams: false,
    departures,
    options: access(asked.provider),
    open: asking(ask),
  },
  {
    framework: '`guard.create`',
    ...asked,
    name: `${name}, streamed`,
    streams: true,
    departures,
    options: access(asked.provider),
    open: asking(stream),
  },
];

export const GUARD_CREATE: readonly Subject[] = [
  ...both(GPT_4O, 'OpenAI', askOpenAI, streamOpenAI),
  ...both(CLAUDE, 'Anthropic', askAnthropic, streamAnthropic),
  ...both(GEMINI, 'Google', askGoogle, streamGoogle, NO_RETRIES),
  ...both(MISTRAL, 'Mistral', askMistral, streamMistral, NO_RETRIES),
];
