/** What the tests of wrapped clients stand on: a simulator, and the official SDKs that talk to it. */
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { Mistral } from '@mistralai/mistralai';
import OpenAI from 'openai';
import { startSimulator, type Script, type ScriptRule, type Simulator } from '@agentkavach/simulator';
import type { AgentKavach } from '../../src/index.ts';
import type { SpendEvent } from '../../src/events.ts';

/** A simulator and what a client needs to talk to it. */
export class World implements AsyncDisposable {
  constructor(readonly sim: Simulator) {}

  /** An OpenAI client. */
  openai(options: ConstructorParameters<typeof OpenAI>[0] = {}): OpenAI {
    return new OpenAI({ baseURL: this.sim.baseURL('openai'), apiKey: 'test', ...options });
  }

  anthropic(options: ConstructorParameters<typeof Anthropic>[0] = {}): Anthropic {
    return new Anthropic({ baseURL: this.sim.baseURL('anthropic').replace(/\/v1$/, ''), apiKey: 'test', ...options });
  }

  google(options: ConstructorParameters<typeof GoogleGenAI>[0] = {}): GoogleGenAI {
    return new GoogleGenAI({
      apiKey: 'test',
      apiVersion: 'v1beta',
      ...options,
      httpOptions: { baseUrl: this.sim.baseURL('google').replace(/\/v1beta$/, ''), ...options.httpOptions },
    });
  }

  mistral(options: ConstructorParameters<typeof Mistral>[0] = {}): Mistral {
    return new Mistral({ serverURL: this.sim.baseURL('mistral').replace(/\/v1$/, ''), apiKey: 'test', ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sim.close();
  }
}

/** Starts a world. */
export async function world(script?: Script | readonly ScriptRule[]): Promise<World> {
  return new World(await startSimulator(script === undefined ? {} : { script }));
}

/** What a guard's first budget has spent, in nano-dollars. */
export function spentNano(guard: AgentKavach): number {
  return Math.round((guard.status().budgets[0]?.spent ?? Number.NaN) * 1e9);
}

/** What a guard's first budget holds for calls in flight, in dollars. */
export function reserved(guard: AgentKavach): number {
  return guard.status().budgets[0]?.reserved ?? Number.NaN;
}

/** The guard's spend events so far, and the next ones. */
export function spends(guard: AgentKavach): { readonly all: SpendEvent[]; next(): Promise<SpendEvent> } {
  const all: SpendEvent[] = [];
  let waiting: ((event: SpendEvent) => void)[] = [];
  guard.on('spend', (event) => {
    all.push(event);
    for (const resolve of waiting) resolve(event);
    waiting = [];
  });
  return { all, next: () => new Promise((resolve) => waiting.push(resolve)) };
}

/** The error that a promise rejects with. */
export async function rejection(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('The promise was expected to reject.');
}
