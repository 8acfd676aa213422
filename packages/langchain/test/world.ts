/** What the wire tests stand on: a simulator, and LangChain's official models that talk to it. */
import { ChatAnthropic } from '@langchain/anthropic';
import { ChatGoogleGenerativeAI } from '@langchain/google-genai';
import { ChatMistralAI } from '@langchain/mistralai';
import { ChatOpenAI } from '@langchain/openai';
import type { BaseCallbackHandler } from '@langchain/core/callbacks/base';
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { HumanMessage } from '@langchain/core/messages';
import {
  humanInTheLoopMiddleware,
  modelFallbackMiddleware,
  modelRetryMiddleware,
  summarizationMiddleware,
  type AgentMiddleware,
} from 'langchain';
import { startSimulator, type Script, type ScriptRule, type Simulator } from '@agentkavach/simulator';

/** A simulator with models. */
export class World implements AsyncDisposable {
  constructor(readonly sim: Simulator) {}

  openai(fields: object = {}): ChatOpenAI {
    return new ChatOpenAI({
      model: 'gpt-4o',
      apiKey: 'test',
      maxRetries: 0,
      configuration: { baseURL: this.sim.baseURL('openai') },
      ...fields,
    });
  }

  anthropic(fields: object = {}): ChatAnthropic {
    return new ChatAnthropic({
      model: 'claude-sonnet-4-5',
      apiKey: 'test',
      maxRetries: 0,
      anthropicApiUrl: root(this.sim.baseURL('anthropic')),
      ...fields,
    });
  }

  google(fields: object = {}): ChatGoogleGenerativeAI {
    return new ChatGoogleGenerativeAI({
      model: 'gemini-2.5-flash',
      apiKey: 'test',
      maxRetries: 0,
      baseUrl: root(this.sim.baseURL('google')),
      ...fields,
    });
  }

  mistral(fields: object = {}): ChatMistralAI {
    return new ChatMistralAI({
      model: 'mistral-large-latest',
      apiKey: 'test',
      maxRetries: 0,
      serverURL: root(this.sim.baseURL('mistral')),
      ...fields,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sim.close();
  }
}

/** A base URL for clients that put the version into the path themselves. */
export function root(baseURL: string): string {
  return baseURL.replace(/\/v1(beta)?$/, '');
}

/** Starts a world. */
export async function world(script?: Script | readonly ScriptRule[]): Promise<World> {
  return new World(await startSimulator(script === undefined ? {} : { script }));
}

/** The providers that have a model here. */
export const PROVIDERS = ['openai', 'anthropic', 'google', 'mistral'] as const;

/** A provider's model, with nothing but what all chat models have. */
export function chatModel(w: World, provider: (typeof PROVIDERS)[number], fields: object = {}): BaseChatModel {
  return w[provider](fields);
}

/** Every way to ask a chat model. */
export const WAYS: Readonly<Record<string, (model: BaseChatModel, config?: WayConfig) => Promise<unknown>>> = {
  invoke: (model, config) => model.invoke('Hi there', config),
  stream: (model, config) => drain(model.stream('Hi there', config)),
  batch: (model, config) => model.batch(['Hi', 'there'], config),
  generate: (model, { callbacks } = {}) =>
    model.generate([[new HumanMessage('Hi')], [new HumanMessage('there')]], {}, callbacks),
  'streamEvents v1': (model, config) => drain(model.streamEvents('Hi', { ...config, version: 'v1' })),
  'streamEvents v2': (model, config) => drain(model.streamEvents('Hi', { ...config, version: 'v2' })),
  'streamEvents v3': (model, config) => drain(model.streamEvents('Hi', config)),
};

/** What a way takes besides its prompt. */
export interface WayConfig {
  callbacks?: BaseCallbackHandler[];
  signal?: AbortSignal;
}

/** Reads a stream to its end. */
export async function drain<C>(stream: AsyncIterable<C> | PromiseLike<AsyncIterable<C>>): Promise<C[]> {
  const chunks: C[] = [];
  // The stream of the newer protocol is a promise of its message too; awaited, it would be no stream any more.
  const source = Symbol.asyncIterator in stream ? stream : await stream;
  for await (const chunk of source) chunks.push(chunk);
  return chunks;
}

/** LangChain's own middlewares don't fit its own types under exactOptionalPropertyTypes. */
export const builtIn = {
  modelRetry: modelRetryMiddleware as (options: object) => AgentMiddleware,
  modelFallback: modelFallbackMiddleware as (...models: BaseChatModel[]) => AgentMiddleware,
  humanInTheLoop: humanInTheLoopMiddleware as unknown as (options: object) => AgentMiddleware,
  summarization: summarizationMiddleware as unknown as (options: object) => AgentMiddleware,
};
