/** Mastra: agents by `generate` and `stream`, under a registered guard. */
import { createOpenAI } from '@ai-sdk/openai';
import { kavach } from '@agentkavach/mastra';
import type { Simulator } from '@agentkavach/simulator';
import { Mastra } from '@mastra/core';
import { Agent, type MastraLanguageModel } from '@mastra/core/agent';
import { MastraModelGateway, type GatewayLanguageModel, type ProviderConfig } from '@mastra/core/llm';
import { noopLogger } from '@mastra/core/logger';
import { createTool } from '@mastra/core/tools';
import { z } from 'zod';
import type { Client, Departure, Subject, Task } from '../subject.ts';
import { GPT_4O, keepsItsModel } from './models.ts';

/** A way to name the model: what the agent is given, and the gateway that makes a model of it. */
type Naming = (
  sim: Simulator,
  model: string,
) => {
  readonly model: MastraLanguageModel | `openai/${string}`;
  readonly gateway?: MastraModelGateway;
};

const byObject: Naming = (sim, model) => ({ model: objectOf(sim, model) });

const byName: Naming = (sim, model) => ({ model: `openai/${model}`, gateway: new Gateway(sim) });

/** Mastra's copy of the model's type is older than the provider's: it lacks a finish reason. */
export function objectOf(sim: Simulator, model: string): MastraLanguageModel {
  return openAI(sim).chat(model) as unknown as MastraLanguageModel;
}

const openAI = (sim: Simulator) => createOpenAI({ baseURL: sim.baseURL('openai'), apiKey: 'test' });

/** Makes models that are given by name, at the simulator. */
class Gateway extends MastraModelGateway {
  readonly id = 'simulator';
  readonly name = 'simulator';
  readonly #sim: Simulator;

  constructor(sim: Simulator) {
    super();
    this.#sim = sim;
  }
  override handlesModel = (): boolean => true;
  fetchProviders = (): Promise<Record<string, ProviderConfig>> => Promise.resolve({});
  buildUrl = (): string => this.#sim.baseURL('openai');
  // Mastra keeps the models that it has made, by their key: this one is the simulator's own.
  getApiKey = (): Promise<string> => Promise.resolve(this.#sim.url);
  resolveLanguageModel = ({ modelId }: { modelId: string }): GatewayLanguageModel =>
    openAI(this.#sim).chat(modelId) as unknown as GatewayLanguageModel;
}

/** An agent of a Mastra instance with the guard. */
export function agentOf(sim: Simulator, task: Task, naming: Naming = byObject): Agent {
  const { guard, tools = [], retries = 0, stops = false } = task;
  const plugin = kavach(guard);
  const { model, gateway } = naming(sim, task.model ?? GPT_4O.model);
  const agent = new Agent({
    id: 'agent',
    name: 'agent',
    description: 'Does what it is asked.',
    instructions: 'Answer.',
    model,
    maxRetries: retries,
    inputProcessors: stops ? [plugin.processor()] : [],
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
  const mastra = plugin.register(new Mastra({ logger: noopLogger, agents: { agent } }));
  // Added later than the guard's own gateway, which asks it for models: the first one that claims a name gets it.
  if (gateway !== undefined) mastra.addGateway(gateway);
  return mastra.getAgent('agent');
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
  (naming: Naming) =>
  (sim: Simulator): Client =>
  async (task) => {
    const output = await agentOf(sim, task, naming).generate(task.prompt, callOf(task));
    if (output.error !== undefined) throw output.error;
    task.signal?.throwIfAborted();
    return output.text;
  };

const streams =
  (naming: Naming) =>
  (sim: Simulator): Client =>
  async (task) => {
    const output = await agentOf(sim, task, naming).stream(task.prompt, callOf(task));
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

const MASTRA_AGENT = { framework: 'Mastra 1', ...GPT_4O, stops: true } as const;

export const OBJECT = keepsItsModel('A model object can’t become another model (one that is given by name can)');

const LEAVES: Readonly<Record<string, Departure>> = {
  'consumer-break': {
    kind: 'absent',
    why: 'Mastra reads a stream to its end although its consumer has left, and is charged the whole answer. Pass an `abortSignal` to end it.',
  },
};

export const MASTRA: readonly Subject[] = [
  { ...MASTRA_AGENT, name: '`agent.generate`', streams: false, departures: OBJECT, open: generates(byObject) },
  {
    ...MASTRA_AGENT,
    name: '`agent.stream`',
    streams: true,
    departures: { ...OBJECT, ...LEAVES },
    open: streams(byObject),
  },
  { ...MASTRA_AGENT, name: '`agent.generate`, model by name', streams: false, open: generates(byName) },
  { ...MASTRA_AGENT, name: '`agent.stream`, model by name', streams: true, departures: LEAVES, open: streams(byName) },
];
