/** Mastra: agents by `generate` and `stream`, under a registered guard. */
import { createOpenAI } from '@ai-sdk/openai';
import { kavach } from '@agentkavach/mastra';
import type { Simulator } from '@agentkavach/simulator';
import { Mastra } from '@mastra/core';
import { Agent, type MastraLanguageModel } from '@mastra/core/agent';
import { noopLogger } from '@mastra/core/logger';
import { createTool } from '@mastra/core/tools';
import { z } from 'zod';
import type { Client, Departure, Subject, Task } from '../subject.ts';

export const MODEL = 'gpt-4o';

/** The model object. Mastra's copy of its type is older than the provider's: it lacks a finish reason. */
export function modelOf(sim: Simulator, { model = MODEL }: Task): MastraLanguageModel {
  const openai = createOpenAI({ baseURL: sim.baseURL('openai'), apiKey: 'test' });
  return openai.chat(model) as unknown as MastraLanguageModel;
}

/** An agent of a Mastra instance with the guard. */
export function agentOf(sim: Simulator, task: Task): Agent {
  const { guard, tools = [], retries = 0 } = task;
  const agent = new Agent({
    id: 'agent',
    name: 'agent',
    description: 'Does what it is asked.',
    instructions: 'Answer.',
    model: modelOf(sim, task),
    maxRetries: retries,
    tools: Object.fromEntries(
      tools.map(({ name, execute }) => [
        name,
        createTool({
          id: name,
          description: `Does ${name}.`,
          inputSchema: z.object({}),
          execute: async () => execute(),
        }),
      ]),
    ),
  });
  return kavach(guard)
    .register(new Mastra({ logger: noopLogger, agents: { agent } }))
    .getAgent('agent');
}

/** What both ways to ask an agent take. */
export function callOf({ signal, maxOutputTokens }: Task): {
  maxSteps: number;
  abortSignal?: AbortSignal;
  modelSettings?: { maxOutputTokens: number };
} {
  return {
    maxSteps: 50,
    ...(signal !== undefined && { abortSignal: signal }),
    ...(maxOutputTokens !== undefined && { modelSettings: { maxOutputTokens } }),
  };
}

const generates =
  (sim: Simulator): Client =>
  async (task) => {
    const output = await agentOf(sim, task).generate(task.prompt, callOf(task));
    if (output.error !== undefined) throw output.error;
    task.signal?.throwIfAborted();
    return output.text;
  };

const streams =
  (sim: Simulator): Client =>
  async (task) => {
    const output = await agentOf(sim, task).stream(task.prompt, callOf(task));
    let text = '';
    for await (const chunk of output.fullStream) {
      if (chunk.type === 'error') throw chunk.payload.error;
      if (chunk.type === 'step-start') text = '';
      if (chunk.type !== 'text-delta') continue;
      text += chunk.payload.text;
      if (task.onText?.(chunk.payload.text) === 'leave') break;
    }
    task.signal?.throwIfAborted();
    return text;
  };

const MASTRA_AGENT = { framework: 'Mastra 1', provider: 'openai', model: MODEL } as const;

const LEAVES: Readonly<Record<string, Departure>> = {
  'consumer-break': {
    kind: 'absent',
    why: 'Mastra reads a stream to its end although its consumer has left, and is charged the whole answer. Pass an `abortSignal` to end it.',
  },
};

export const MASTRA: readonly Subject[] = [
  { ...MASTRA_AGENT, name: '`agent.generate`', streams: false, open: generates },
  { ...MASTRA_AGENT, name: '`agent.stream`', streams: true, departures: LEAVES, open: streams },
];
