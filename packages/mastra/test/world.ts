/** What the wire tests stand on: a simulator, and real providers and Mastra instances that talk to it. */
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { Agent, type AgentConfig, type MastraLanguageModel } from '@mastra/core/agent';
import type { SharedMemoryConfig } from '@mastra/core/memory';
import { noopLogger } from '@mastra/core/logger';
import { Mastra } from '@mastra/core';
import { startSimulator, type Script, type Simulator } from '@agentkavach/simulator';

type Embedder = Exclude<SharedMemoryConfig['embedder'], string | undefined>;

/** A simulator with a client. */
export class World implements AsyncDisposable {
  readonly openai;

  constructor(readonly sim: Simulator) {
    this.openai = createOpenAI({ baseURL: sim.baseURL('openai'), apiKey: 'test' });
  }

  /** A model object as Mastra takes it. */
  model(id = 'gpt-4o'): MastraLanguageModel {
    return forMastra(this.openai.chat(id));
  }

  /** An embedding model as Mastra takes it, whose types know no V4 of it. */
  embedder(): Embedder {
    return this.openai.embeddingModel('text-embedding-3-small') as unknown as Embedder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sim.close();
  }
}

/** Mastra's copy of the model's type is older than the provider's: it lacks a finish reason. */
export function forMastra(model: LanguageModelV4): MastraLanguageModel {
  return model as unknown as MastraLanguageModel;
}

/** Starts a world. */
export async function world(script?: Script): Promise<World> {
  return new World(await startSimulator(script === undefined ? {} : { script }));
}

/** An agent with a name. */
export function agent(model: AgentConfig['model'], config: Partial<Omit<AgentConfig, 'model'>> = {}): Agent {
  return new Agent({ id: 'agent', name: 'agent', instructions: 'Answer.', ...config, model });
}

/** A quiet Mastra instance. */
export function mastraWith(config: ConstructorParameters<typeof Mastra>[0]): Mastra {
  return new Mastra({ logger: noopLogger, ...config });
}
