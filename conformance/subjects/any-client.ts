/** The guard itself around a client that nobody wraps: `fetch`, with the loop and the retries that users write by hand. */
import { KavachError, type StreamMeter } from '@agentkavach/core';
import { figuresOfResponse, usageFromRaw } from '@agentkavach/core/providers';
import type { Simulator } from '@agentkavach/simulator';
import type OpenAI from 'openai';
import type { Client, Subject, Task } from '../subject.ts';
import { converse } from './conversation.ts';
import { GPT_4O } from './models.ts';
import { chatRequest, openAIChat, readChunks, readCompletion } from './openai-chat.ts';

type Body = OpenAI.ChatCompletionCreateParamsNonStreaming;

/** The task's request as the guard takes it. */
function guarded({ maxOutputTokens, signal }: Task, body: Body) {
  const { model, messages, tools } = body;
  return {
    provider: 'openai',
    model,
    input: { messages, tools },
    maxOutputTokens,
    signal,
    canClampOutput: true,
    canSwitchModel: true,
    hidesOutput: false,
  };
}

async function post(sim: Simulator, body: object, signal: AbortSignal): Promise<Response> {
  const response = await fetch(`${sim.baseURL('openai')}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
  if (!response.ok) throw Object.assign(new Error(await response.text()), { status: response.status });
  return response;
}

/** Sends again what failed, unless the guard refused it. */
async function retried<T>(retries: number, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (retries === 0 || KavachError.isInstance(error)) throw error;
    return retried(retries - 1, send);
  }
}

const calls =
  (sim: Simulator): Client =>
  (task) =>
    converse(task, openAIChat, async (messages) => {
      const body = chatRequest(task, messages);
      const send = () =>
        task.guard.call(guarded(task, body), async ({ signal, model, maxOutputTokens }) => {
          const response = await post(sim, { ...body, model, max_completion_tokens: maxOutputTokens }, signal);
          const completion = (await response.json()) as OpenAI.ChatCompletion;
          return { value: completion, ...figuresOfResponse('openai', completion) };
        });
      return readCompletion(await retried(task.retries ?? 0, send));
    });

const streams =
  (sim: Simulator): Client =>
  (task) =>
    converse(task, openAIChat, async (messages) => {
      const body = chatRequest(task, messages);
      const send = () =>
        task.guard.stream(guarded(task, body), async ({ signal, model, maxOutputTokens }) => {
          const streamed = { stream: true, stream_options: { include_usage: true } };
          const response = await post(
            sim,
            { ...body, ...streamed, model, max_completion_tokens: maxOutputTokens },
            signal,
          );
          return { stream: events(response), meter };
        });
      return readChunks(await retried(task.retries ?? 0, send), task);
    });

/** The chunks of an event stream. */
async function* events(response: Response): AsyncGenerator<OpenAI.ChatCompletionChunk> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data: {')) yield JSON.parse(line.slice('data: '.length)) as OpenAI.ChatCompletionChunk;
    }
  }
}

function meter({ choices: [choice], usage }: OpenAI.ChatCompletionChunk, to: StreamMeter): void {
  to.output(choice?.delta.content ?? '');
  for (const { id, function: called } of choice?.delta.tool_calls ?? []) {
    if (id !== undefined) to.toolCall();
    to.output(`${called?.name ?? ''}${called?.arguments ?? ''}`);
  }
  const reported = usage == null ? undefined : usageFromRaw('openai', usage);
  if (reported !== undefined) to.usage(reported);
}

const subject = (name: string, streamsText: boolean, open: (sim: Simulator) => Client): Subject => ({
  framework: 'Any client',
  name,
  ...GPT_4O,
  streams: streamsText,
  open,
});

export const ANY_CLIENT: readonly Subject[] = [
  subject('`guard.call` around `fetch`', false, calls),
  subject('`guard.stream` around `fetch`', true, streams),
];
