import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI, type GenerateContentResponse } from '@google/genai';
import { Mistral } from '@mistralai/mistralai';
import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components';
import OpenAI, { AzureOpenAI } from 'openai';
import type { Stream } from 'openai/streaming';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { AgentKavach, Budget, ConfigError } from '../../src/index.ts';

const guard = new AgentKavach({ budget: Budget.total(1) });
const messages = [{ role: 'user' as const, content: 'Hi' }];

describe('guard.wrap()', () => {
  it('gives the same type back, and an instance of the same class', () => {
    const openai = guard.wrap(new OpenAI({ apiKey: 'test' }));
    const azure = guard.wrap(
      new AzureOpenAI({ apiKey: 'test', endpoint: 'https://x.openai.azure.com', apiVersion: '1' }),
    );
    const anthropic = guard.wrap(new Anthropic({ apiKey: 'test' }));
    const google = guard.wrap(new GoogleGenAI({ apiKey: 'test' }));
    const mistral = guard.wrap(new Mistral({ apiKey: 'test' }));
    expectTypeOf(openai).toEqualTypeOf<OpenAI>();
    expectTypeOf(azure).toEqualTypeOf<AzureOpenAI>();
    expectTypeOf(anthropic).toEqualTypeOf<Anthropic>();
    expectTypeOf(google).toEqualTypeOf<GoogleGenAI>();
    expectTypeOf(mistral).toEqualTypeOf<Mistral>();
    for (const [client, Class] of [
      [openai, OpenAI],
      [azure, AzureOpenAI],
      [anthropic, Anthropic],
      [google, GoogleGenAI],
      [mistral, Mistral],
    ] as const)
      expect(client).toBeInstanceOf(Class);
  });

  it('keeps the overloads', () => {
    const { completions } = guard.wrap(new OpenAI({ apiKey: 'test' })).chat;
    expectTypeOf(() =>
      completions.create({ model: 'gpt-4o', messages }),
    ).returns.resolves.toExtend<OpenAI.ChatCompletion>();
    expectTypeOf(() => completions.create({ model: 'gpt-4o', messages, stream: true })).returns.resolves.toExtend<
      Stream<OpenAI.ChatCompletionChunk>
    >();
  });

  it.each([{}, [], new Date(), { withOptions: () => ({}) }, new Map()])('refuses what is no client: %o', (value) => {
    expect(() => guard.wrap(value)).toThrow(ConfigError);
    expect(() => guard.wrap(value)).toThrow(/guard\.wrap\(\) takes a client of openai/);
  });

  it.each([undefined, null, 'openai', 5])('refuses %s', (value) => {
    expect(() => guard.wrap(value as unknown as object)).toThrow(ConfigError);
  });
});

describe('guard.create()', () => {
  it('knows the answer by the model’s name, the provider, and whether it streams', () => {
    expectTypeOf(() =>
      guard.create({ model: 'gpt-4o', messages }),
    ).returns.resolves.toEqualTypeOf<OpenAI.ChatCompletion>();
    expectTypeOf(() => guard.create({ model: 'gpt-4o', messages, stream: true })).returns.resolves.toEqualTypeOf<
      Stream<OpenAI.ChatCompletionChunk>
    >();
    expectTypeOf(() =>
      guard.create({ model: 'claude-opus-5', messages }),
    ).returns.resolves.toEqualTypeOf<Anthropic.Message>();
    expectTypeOf(() =>
      guard.create({ model: 'gemini-2.5-pro', messages }),
    ).returns.resolves.toEqualTypeOf<GenerateContentResponse>();
    expectTypeOf(() =>
      guard.create({ model: 'codestral-latest', messages }),
    ).returns.resolves.toEqualTypeOf<ChatCompletionResponse>();
    expectTypeOf(() =>
      guard.create({ provider: 'openai', model: 'llama-4', messages }),
    ).returns.resolves.toEqualTypeOf<OpenAI.ChatCompletion>();
    expectTypeOf((model: string) => guard.create({ model, messages })).returns.resolves.toEqualTypeOf<
      OpenAI.ChatCompletion | Anthropic.Message | GenerateContentResponse | ChatCompletionResponse
    >();
  });

  it('takes each provider’s own parameters, and refuses others', () => {
    const openai = () => guard.create({ model: 'gpt-4o', messages, reasoning_effort: 'low', seed: 1 });
    const anthropic = () =>
      guard.create({ model: 'claude-opus-5', messages, thinking: { type: 'enabled', budget_tokens: 2_000 } });
    const google = () => guard.create({ model: 'gemini-2.5-pro', contents: 'Hi', config: { topK: 5 } });
    // @ts-expect-error: a misspelt parameter
    const misspelt = () => guard.create({ model: 'gpt-4o', messages, temprature: 1 });
    // @ts-expect-error: no messages
    const empty = () => guard.create({ model: 'gpt-4o' });
    expect([openai, anthropic, google, misspelt, empty]).toHaveLength(5);
  });
});
