/** `guard.create()`: asks a provider through its official SDK, under the guard. */
import type Anthropic from '@anthropic-ai/sdk';
import type { Engine } from '../engine.ts';
import type OpenAI from 'openai';
import type { ChatParams, CreateOptions, ProviderName } from './create-types.ts';
import { providerFor } from './provider-of.ts';
import { makeClient, type Access, type Clients } from './sdk.ts';
import { toAnthropic } from './to-anthropic.ts';
import { toGoogle } from './to-google.ts';
import { toMistral } from './to-mistral.ts';
import { wrapClient } from './wrap.ts';

/** The output cap that Anthropic is sent where neither caller nor guard sets one; it needs one. */
const ANTHROPIC_CAP = 4_096;

type Params = ChatParams & Readonly<Record<string, unknown>>;

/** Asks for one guard; keeps its clients. */
export class Creator {
  readonly #engine: Engine;
  readonly #clients = new Map<ProviderName, Promise<Clients[ProviderName]>>();
  /** Whose key and address the guard has. */
  #holder: ProviderName | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#holder = engine.policy.provider;
  }

  /** Sends a request. @returns the provider's own answer, or its stream */
  async create(request: Readonly<Record<string, unknown>>, { signal }: CreateOptions = {}): Promise<unknown> {
    const { provider: named, ...params } = request as Params;
    const { model } = params;
    const provider = providerFor(named ?? this.#engine.policy.provider, model);
    const isStream = params['stream'] === true;
    const options = signal === undefined ? {} : { signal };
    switch (provider) {
      case 'openai': {
        const { chat } = await this.#client(provider);
        return chat.completions.create(params as unknown as OpenAI.ChatCompletionCreateParams, options);
      }
      case 'anthropic': {
        const { messages } = await this.#client(provider);
        return messages.create(toAnthropic(params, this.#anthropicCap) as Anthropic.MessageCreateParams, options);
      }
      case 'google': {
        const { models } = await this.#client(provider);
        const asked = toGoogle(params, String(model), signal);
        return isStream ? models.generateContentStream(asked) : models.generateContent(asked);
      }
      case 'mistral': {
        const { chat } = await this.#client(provider);
        const { stream: _, ...asked } = toMistral(params);
        return isStream ? chat.stream(asked, options) : chat.complete(asked, options);
      }
    }
  }

  /** A hard limit sets the cap by what the budget can pay for. */
  get #anthropicCap(): number | undefined {
    const { mode, enabled } = this.#engine.policy;
    return mode === 'hard' && enabled ? undefined : ANTHROPIC_CAP;
  }

  #client<P extends ProviderName>(provider: P): Promise<Clients[P]> {
    let client = this.#clients.get(provider) as Promise<Clients[P]> | undefined;
    if (client === undefined) {
      client = makeClient(provider, this.#access(provider)).then((made) => wrapClient(this.#engine, made));
      client.catch(() => this.#clients.delete(provider)); // installed later, it is found
      this.#clients.set(provider, client);
    }
    return client;
  }

  /** One provider's key never goes to another: where the guard does not say whose it is, it is the first one's asked. */
  #access(provider: ProviderName): Access {
    const { llmKey, baseURL } = this.#engine.policy;
    this.#holder ??= provider;
    return this.#holder === provider ? { llmKey, baseURL } : { llmKey: undefined, baseURL: undefined };
  }
}
