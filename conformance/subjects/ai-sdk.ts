/** The Vercel AI SDK: text, streams and agents on a model with the guard's middleware. */
import { createOpenAI, type OpenAIProvider } from '@ai-sdk/openai';
import type { AgentKavach } from '@agentkavach/core';
import { kavach, kavachProvider, kavachStopWhen } from '@agentkavach/vercel-ai';
import type { Simulator } from '@agentkavach/simulator';
import { generateText, isStepCount, streamText, tool, ToolLoopAgent, wrapLanguageModel, type LanguageModel } from 'ai';
import { z } from 'zod';
import type { Client, Departure, Subject, Task } from '../subject.ts';
import { GPT_4O, keepsItsModel } from './models.ts';

/** A way to put the guard around a model. */
type Guarding = (openai: OpenAIProvider, guard: AgentKavach, model: string) => LanguageModel;

const byMiddleware: Guarding = (openai, guard, model) =>
  wrapLanguageModel({ model: openai.chat(model), middleware: kavach(guard) });

const byProvider: Guarding = (openai, guard, model) => kavachProvider(openai, guard).chat(model);

/** A function of the SDK, with a way to guard its model. */
type Asking = (sim: Simulator, guarding: Guarding) => Client;

/** What all of the SDK's functions take. */
function callOf(
  sim: Simulator,
  guarding: Guarding,
  { guard, model = GPT_4O.model, maxOutputTokens, tools = [], retries = 0, stops = false }: Task,
) {
  const openai = createOpenAI({ baseURL: sim.baseURL('openai'), apiKey: 'test' });
  return {
    model: guarding(openai, guard, model),
    tools: Object.fromEntries(
      tools.map(({ name, execute }) => [name, tool({ inputSchema: z.object({}), execute: () => execute() })]),
    ),
    stopWhen: [isStepCount(50), ...(stops ? [kavachStopWhen(guard)] : [])],
    maxRetries: retries,
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
  };
}

const generates: Asking =
  (sim, guarding) =>
  async ({ prompt, signal, ...task }) =>
    (await generateText({ ...callOf(sim, guarding, { ...task, prompt }), prompt, ...aborts(signal) })).text;

const generatesByAgent: Asking =
  (sim, guarding) =>
  async ({ prompt, signal, ...task }) =>
    (await new ToolLoopAgent(callOf(sim, guarding, { ...task, prompt })).generate({ prompt, ...aborts(signal) })).text;

const streams: Asking = (sim, guarding) => (task) =>
  read(
    streamText({
      ...callOf(sim, guarding, task),
      prompt: task.prompt,
      ...aborts(task.signal),
      onError: () => undefined,
    }),
    task,
  );

const streamsByAgent: Asking = (sim, guarding) => async (task) =>
  read(
    await new ToolLoopAgent(callOf(sim, guarding, task)).stream({ prompt: task.prompt, ...aborts(task.signal) }),
    task,
  );

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

type Departures = Readonly<Record<string, Departure>>;

const OBJECT = keepsItsModel(
  'A model object can’t become another model (a provider that `kavachProvider` guards makes the other one)',
);

const LEAVES: Departures = {
  'consumer-break': {
    kind: 'differs',
    why: 'The SDK tells nobody that its consumer has left: after `idleMs` the guard charges the whole reservation and disconnects. Pass an `abortSignal` to be charged by what was seen.',
    expected: { charge: 'whole' },
  },
};

const subject = (name: string, asking: Asking, streams: boolean, guarding: Guarding = byMiddleware): Subject => ({
  framework: 'Vercel AI SDK 7',
  name,
  ...GPT_4O,
  streams,
  stops: true,
  departures: { ...(streams && LEAVES), ...(guarding === byMiddleware && OBJECT) },
  open: (sim) => asking(sim, guarding),
});

export const AI_SDK: readonly Subject[] = [
  subject('`generateText`', generates, false),
  subject('`streamText`', streams, true),
  subject('`ToolLoopAgent.generate`', generatesByAgent, false),
  subject('`ToolLoopAgent.stream`', streamsByAgent, true),
  subject('`generateText`, `kavachProvider`', generates, false, byProvider),
  subject('`streamText`, `kavachProvider`', streams, true, byProvider),
];
