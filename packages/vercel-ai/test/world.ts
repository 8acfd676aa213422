/** What the wire tests stand on: a simulator, and the official providers that talk to it. */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createMistral } from '@ai-sdk/mistral';
import { createOpenAI } from '@ai-sdk/openai';
import type { AgentKavach, SpendEvent } from '@agentkavach/core';
import { startSimulator, type Script, type ScriptRule, type Simulator } from '@agentkavach/simulator';

/** A simulator with clients. */
export class World implements AsyncDisposable {
  readonly openai;
  readonly anthropic;
  readonly google;
  readonly mistral;

  constructor(readonly sim: Simulator) {
    const settings = (provider: 'openai' | 'anthropic' | 'google' | 'mistral') => ({
      baseURL: sim.baseURL(provider),
      apiKey: 'test',
    });
    this.openai = createOpenAI(settings('openai'));
    this.anthropic = createAnthropic(settings('anthropic'));
    this.google = createGoogle(settings('google'));
    this.mistral = createMistral(settings('mistral'));
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
