import { embed, generateImage, generateText, streamText } from 'ai';
import { AgentKavach, Budget, CallLimitError, ConfigError, findKavachError } from '@agentkavach/core';
import { rejection, spentNano } from '@agentkavach/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { guardModel, kavachProvider, normaliseProvider } from '../src/index.ts';
import { world } from './world.ts';

afterEach(() => {
  Reflect.deleteProperty(globalThis, 'AI_SDK_DEFAULT_PROVIDER');
});

describe('kavachProvider', () => {
  it('guards the models that any of its methods returns', async () => {
    await using w = await world(() => ({ tokens: 10 }));
    const guard = new AgentKavach({ budget: Budget.total(5) });
    const openai = kavachProvider(w.openai, guard);
    await generateText({ model: openai('gpt-4o'), prompt: 'Hi' });
    await generateText({ model: openai.chat('gpt-4o'), prompt: 'Hi' });
    await streamText({ model: openai.responses('gpt-4o'), prompt: 'Hi' }).text;
    await embed({ model: openai.embedding('text-embedding-3-small'), value: 'Hi' });
    await generateImage({ model: openai.image('gpt-image-1'), prompt: 'Hi' });
    await w.sim.ledger.settled();
    expect(guard.status().run.calls).toBe(5);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('refuses models that no budget can hold, and says what to do', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(5) });
    const openai = kavachProvider(w.openai, guard);
    const google = kavachProvider(w.google, guard);
    const mistral = kavachProvider(w.mistral, guard);
    const asked: (() => unknown)[] = [
      () => openai.speech('gpt-4o-mini-tts'),
      () => openai.transcription('whisper-1'),
      () => openai.translation('gpt-realtime-translate'),
      () => openai.decisionModel('gpt-5'),
      () => openai.extractionModel('gpt-5'),
      () => openai.experimental_batch(),
      () => openai.experimental_realtime('gpt-realtime'),
      () => openai.experimental_realtime.getToken({ model: 'gpt-realtime' }),
      () => google.video('veo-3'),
      () => google.experimental_batch(),
      () => mistral.speech('voxtral-tts'),
      () => mistral.experimental_realtime('voxtral'),
    ];
    for (const ask of asked) expect(ask, String(ask)).toThrow(/guard\.charge\(usd, name\)/);
    expect(() => openai.speech('gpt-4o-mini-tts')).toThrow(ConfigError);
  });

  it('refuses what is no provider: a model would be left without a guard', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(5) });
    for (const model of [w.openai('gpt-4o'), w.openai.embedding('text-embedding-3-small')])
      expect(() => kavachProvider(model, guard)).toThrow(/takes a provider .*; this is a model: .* guardModel\(\)/);
    for (const wrong of [undefined, null, 'openai', 5])
      expect(() => kavachProvider(wrong as unknown as object, guard)).toThrow(ConfigError);
  });

  it('leaves tools and file uploads as they are', async () => {
    await using w = await world();
    const openai = kavachProvider(w.openai, new AgentKavach({ budget: Budget.total(5) }));
    expect(openai.tools).toBe(w.openai.tools);
    expect(openai.files().specificationVersion).toBe('v4');
    expect(openai.specificationVersion).toBe('v4');
  });

  it('guards models that are given by name', async () => {
    await using w = await world(() => ({ tokens: 10 }));
    const guard = new AgentKavach({ budget: Budget.total(5), guardrails: { maxCallsPerRun: 2 } });
    globalThis.AI_SDK_DEFAULT_PROVIDER = kavachProvider(w.openai, guard);
    await generateText({ model: 'gpt-4o', prompt: 'Hi' });
    await embed({ model: 'text-embedding-3-small', value: 'Hi' });
    const error = await rejection(generateText({ model: 'gpt-4o', prompt: 'Hi' }));
    expect(findKavachError(error)).toBeInstanceOf(CallLimitError);
    expect(w.sim.ledger.requests).toBe(2);
  });
});

describe('guardModel', () => {
  it('keeps the model’s class, name and members', async () => {
    await using w = await world();
    const model = w.anthropic('claude-sonnet-4-5');
    const guarded = guardModel(model, new AgentKavach({ budget: Budget.total(5) }));
    expect(guarded).toBeInstanceOf(model.constructor);
    expect(guarded).toMatchObject({
      specificationVersion: 'v4',
      provider: 'anthropic.messages',
      modelId: 'claude-sonnet-4-5',
    });
    expect(guarded.supportedUrls).toEqual(model.supportedUrls);
  });

  it.each([
    ['a V4 model', (m: object) => m],
    [
      'a frozen object',
      (m: object) => {
        const { doGenerate, doStream, ...rest } = {
          doGenerate: Reflect.get(m, 'doGenerate') as () => void,
          doStream: Reflect.get(m, 'doStream') as () => void,
          provider: 'openai.chat',
          modelId: 'gpt-4o',
          specificationVersion: 'v4',
          supportedUrls: {},
        };
        return Object.freeze({ ...rest, doGenerate: doGenerate.bind(m), doStream: doStream.bind(m) });
      },
    ],
  ])('guards %s', async (_name, make) => {
    await using w = await world(() => ({ tokens: 25 }));
    const guard = new AgentKavach({ budget: Budget.total(5) });
    const model = guardModel(make(w.openai.chat('gpt-4o')) as ReturnType<typeof w.openai.chat>, guard);
    await generateText({ model, prompt: 'Hi' });
    await streamText({ model, prompt: 'Hi' }).text;
    await w.sim.ledger.settled();
    expect(guard.status().run.calls).toBe(2);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('refuses what is no model it can guard', () => {
    const guard = new AgentKavach({ budget: Budget.total(5) });
    expect(() => guardModel({ modelId: 'tts-1', provider: 'openai.speech', doGenerate: () => {} }, guard)).toThrow(
      /guardModel\(\) takes a language, embedding or image model object/,
    );
    expect(() => guardModel({}, guard)).toThrow(ConfigError);
  });
});

describe('normaliseProvider', () => {
  it.each([
    ['openai.responses', 'gpt-4o', 'openai', 'gpt-4o'],
    ['openai.chat', 'gpt-4o', 'openai', 'gpt-4o'],
    ['anthropic.messages', 'claude-sonnet-4-5', 'anthropic', 'claude-sonnet-4-5'],
    ['google.generative-ai', 'gemini-2.5-pro', 'google', 'gemini-2.5-pro'],
    ['google.vertex.chat', 'gemini-2.5-pro', 'google-vertex', 'gemini-2.5-pro'],
    ['googleVertex.anthropic.messages', 'claude-sonnet-4-5@20250929', 'google-vertex', 'claude-sonnet-4-5@20250929'],
    ['mistral.chat', 'mistral-large-latest', 'mistral', 'mistral-large-latest'],
    ['azure.responses', 'my-deployment', 'azure', 'my-deployment'],
    ['amazon-bedrock', 'us.anthropic.claude-sonnet-4-5-v1:0', 'amazon-bedrock', 'us.anthropic.claude-sonnet-4-5-v1:0'],
    ['gateway', 'anthropic/claude-sonnet-4-5', 'anthropic', 'claude-sonnet-4-5'],
    ['gateway', 'vertex/gemini-2.5-pro', 'google-vertex', 'gemini-2.5-pro'],
    ['gateway', 'no-slash', 'gateway', 'no-slash'],
    ['xai.chat', 'grok-4', 'xai', 'grok-4'],
    ['my-proxy.chat', 'llama', 'my-proxy', 'llama'],
    ['constructor', 'x', 'constructor', 'x'],
  ])('%s + %s', (provider, modelId, expectedProvider, expectedModel) => {
    expect(normaliseProvider(provider, modelId)).toEqual({ provider: expectedProvider, model: expectedModel });
  });
});
