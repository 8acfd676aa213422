/** The Vercel AI SDK: text, streams and agents on a model with the guard's middleware. */
import { createOpenAI } from '@ai-sdk/openai';
import { kavach } from '@agentkavach/vercel-ai';
import type { Simulator } from '@agentkavach/simulator';
import { generateText, isStepCount, streamText, tool, ToolLoopAgent, wrapLanguageModel, type LanguageModel } from 'ai';
import { z } from 'zod';
import type { Client, Departure, Subject, Task } from '../subject.ts';

const MODEL = 'gpt-4o';

/** What all of the SDK's functions take. */
function callOf(sim: Simulator, { guard, model = MODEL, maxOutputTokens, tools = [], retries = 0 }: Task) {
  const openai = createOpenAI({ baseURL: sim.baseURL('openai'), apiKey: 'test' });
  return {
    model: wrapLanguageModel({ model: openai.chat(model), middleware: kavach(guard) }) as LanguageModel,
    tools: Object.fromEntries(
      tools.map(({ name, execute }) => [name, tool({ inputSchema: z.object({}), execute: () => execute() })]),
    ),
    stopWhen: isStepCount(50),
    maxRetries: retries,
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
  };
}

const generates =
  (sim: Simulator): Client =>
  async ({ prompt, signal, ...task }) =>
    (await generateText({ ...callOf(sim, { ...task, prompt }), prompt, ...aborts(signal) })).text;

const generatesByAgent =
  (sim: Simulator): Client =>
  async ({ prompt, signal, ...task }) =>
    (await new ToolLoopAgent(callOf(sim, { ...task, prompt })).generate({ prompt, ...aborts(signal) })).text;

const streams =
  (sim: Simulator): Client =>
  (task) =>
    read(
      streamText({
        ...callOf(sim, task),
        prompt: task.prompt,
        ...aborts(task.signal),
        onError: () => undefined,
      }),
      task,
    );

const streamsByAgent =
  (sim: Simulator): Client =>
  async (task) =>
    read(await new ToolLoopAgent(callOf(sim, task)).stream({ prompt: task.prompt, ...aborts(task.signal) }), task);

function aborts(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** Reads a stream as a user does who looks at its parts: an error part is the error. */
async function read({ stream }: Pick<ReturnType<typeof streamText>, 'stream'>, task: Task): Promise<string> {
  let text = '';
  for await (const part of stream) {
    if (part.type === 'error') throw part.error;
    if (part.type === 'abort') throw task.signal?.reason;
    if (part.type === 'start-step') text = '';
    if (part.type !== 'text-delta') continue;
    text += part.text;
    if (task.onText?.(part.text) === 'leave') break;
  }
  return text;
}

const LEAVES: Readonly<Record<string, Departure>> = {
  'consumer-break': {
    kind: 'differs',
    why: 'The SDK tells nobody that its consumer has left: after `idleMs` the guard charges the whole reservation and disconnects. Pass an `abortSignal` to be charged by what was seen.',
    expected: { charge: 'whole' },
  },
};

const subject = (name: string, open: (sim: Simulator) => Client, isStream: boolean): Subject => ({
  framework: 'Vercel AI SDK 7',
  name,
  provider: 'openai',
  model: MODEL,
  streams: isStream,
  ...(isStream && { departures: LEAVES }),
  open,
});

export const AI_SDK: readonly Subject[] = [
  subject('`generateText`', generates, false),
  subject('`streamText`', streams, true),
  subject('`ToolLoopAgent.generate`', generatesByAgent, false),
  subject('`ToolLoopAgent.stream`', streamsByAgent, true),
];
