/** What the wire tests stand on: a simulator, and the official providers that talk to it. */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createMistral } from '@ai-sdk/mistral';
import { createOpenAI } from '@ai-sdk/openai';
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
