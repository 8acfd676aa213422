/** What the tests of wrapped clients stand on: a simulator, and the official SDKs that talk to it. */
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { Mistral } from '@mistralai/mistralai';
import OpenAI from 'openai';
import { startSimulator, type Script, type ScriptRule, type Simulator } from '@agentkavach/simulator';

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
