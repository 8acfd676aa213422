/** The official AI SDK clients accept everything that the simulator says, and read the same figures from it. */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createMistral } from '@ai-sdk/mistral';
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, embedMany, generateImage, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { describe, expect, it } from 'vitest';
import type { Simulator } from '../src/index.ts';
import { startSimulator } from '../src/index.ts';

const apiKey = 'any';
const openai = (sim: Simulator) => createOpenAI({ baseURL: sim.baseURL('openai'), apiKey });
const anthropic = (sim: Simulator) => createAnthropic({ baseURL: sim.baseURL('anthropic'), apiKey });
const google = (sim: Simulator) => createGoogle({ baseURL: sim.baseURL('google'), apiKey });
const mistral = (sim: Simulator) => createMistral({ baseURL: sim.baseURL('mistral'), apiKey });

const MODELS = [
  ['openai chat', (sim: Simulator) => openai(sim).chat('gpt-4o')],
  ['openai responses', (sim: Simulator) => openai(sim).responses('gpt-5-mini')],
  ['anthropic', (sim: Simulator) => anthropic(sim)('claude-sonnet-4-5')],
  ['google', (sim: Simulator) => google(sim)('gemini-2.5-flash')],
  ['mistral', (sim: Simulator) => mistral(sim)('mistral-small-latest')],
] as const;

const weather = tool({
  description: 'The weather in a city',
  inputSchema: jsonSchema<{ city: string }>({ type: 'object', properties: { city: { type: 'string' } } }),
  execute: ({ city }) => `It is sunny in ${city}.`,
});

/** One model call with a tool, and one with its result. */
const toolLoop = { match: { nth: 1 }, reply: { toolCalls: [{ name: 'weather', arguments: { city: 'Athens' } }] } };

describe.each(MODELS)('%s', (_name, model) => {
  it('generateText', async () => {
    await using sim = await startSimulator({
      script: () => ({ text: 'Hello from here.', reasoningTokens: 8, usage: { inputTokens: 90, cacheRead: 40 } }),
    });
    const result = await generateText({ model: model(sim), prompt: 'Hello?' });
    expect(result.text).toBe('Hello from here.');
    expect(result.finishReason).toBe('stop');
    expect(result.usage).toMatchObject({
      inputTokens: 90,
      outputTokens: 12,
      inputTokenDetails: { cacheReadTokens: 40 },
    });
    expect(sim.ledger.entries).toMatchObject([{ usage: { inputTokens: 90, outputTokens: 12 } }]);
  });

  it('streamText', async () => {
    await using sim = await startSimulator({
      script: () => ({ tokens: 50, reasoningTokens: 8, usage: { inputTokens: 90, cacheRead: 40 } }),
    });
    const errors: unknown[] = [];
    const result = streamText({ model: model(sim), prompt: 'Hello?', onError: ({ error }) => void errors.push(error) });
    let text = '';
    for await (const part of result.textStream) text += part;
    expect(errors).toEqual([]);
    expect(text.trim().split(' ')).toHaveLength(50);
    expect(await result.usage).toMatchObject({
      inputTokens: 90,
      outputTokens: 58,
      inputTokenDetails: { cacheReadTokens: 40 },
    });
    expect(await result.finishReason).toBe('stop');
  });

  it('stops at the cap', async () => {
    await using sim = await startSimulator({ script: () => ({ tokens: 500 }) });
    const result = await generateText({ model: model(sim), prompt: 'Hello?', maxOutputTokens: 20 });
    expect([result.finishReason, result.usage.outputTokens]).toEqual(['length', 20]);
    const stream = streamText({ model: model(sim), prompt: 'Hello?', maxOutputTokens: 20 });
    await stream.consumeStream();
    expect([await stream.finishReason, (await stream.usage).outputTokens]).toEqual(['length', 20]);
  });

  it('runs a tool loop', async () => {
    await using sim = await startSimulator({ script: [toolLoop, { reply: { text: 'Sunny.' } }] });
    const result = await generateText({
      model: model(sim),
      prompt: 'Weather?',
      tools: { weather },
      stopWhen: stepCountIs(3),
    });
    expect(result.text).toBe('Sunny.');
    expect(result.steps[0]?.toolCalls).toMatchObject([{ toolName: 'weather', input: { city: 'Athens' } }]);
    expect(sim.ledger.requests).toBe(2);
  });

  it('streams a tool loop', async () => {
    await using sim = await startSimulator({ script: [toolLoop, { reply: { text: 'Sunny.' } }] });
    const result = streamText({ model: model(sim), prompt: 'Weather?', tools: { weather }, stopWhen: stepCountIs(3) });
    await result.consumeStream();
    expect(await result.text).toBe('Sunny.');
    expect((await result.steps)[0]?.toolResults).toMatchObject([{ output: 'It is sunny in Athens.' }]);
  });

  it('sees an HTTP error with its status and message', async () => {
    await using sim = await startSimulator({ script: () => ({ error: { status: 429, message: 'slow down' } }) });
    const call = generateText({ model: model(sim), prompt: 'Hello?', maxRetries: 0 });
    const error = await call.catch((caught: unknown) => caught);
    expect(APICallError.isInstance(error) && [error.statusCode, error.message, error.isRetryable]).toEqual([
      429,
      'slow down',
      true,
    ]);
  });

  it('sees an error event inside a stream', async () => {
    await using sim = await startSimulator({ script: () => ({ tokens: 50, errorEventAfterChunks: 2 }) });
    const errors: unknown[] = [];
    const result = streamText({ model: model(sim), prompt: 'Hello?', onError: ({ error }) => void errors.push(error) });
    await result.consumeStream();
    expect(errors).toHaveLength(1);
  });

  it('sees a broken connection', async () => {
    await using sim = await startSimulator({ script: () => ({ tokens: 50, cutAfterChunks: 2 }) });
    const result = streamText({ model: model(sim), prompt: 'Hello?', onError: () => {} });
    // The stream itself fails here; the SDK makes no error part of a lost connection.
    const read = async (): Promise<void> => {
      for await (const part of result.stream) expect(part.type).not.toBe('finish');
    };
    await expect(read()).rejects.toThrow();
    expect(sim.ledger.entries).toMatchObject([{ outcome: 'cut', usage: { outputTokens: 8 } }]);
  });
});

it('shows reasoning where the provider shows it', async () => {
  await using sim = await startSimulator({ script: () => ({ text: 'Four.', reasoningTokens: 6 }) });
  const prompt = 'Two and two?';
  const shown = await Promise.all([
    generateText({ model: anthropic(sim)('claude-sonnet-4-5'), prompt }),
    generateText({
      model: google(sim)('gemini-2.5-flash'),
      prompt,
      providerOptions: { google: { thinkingConfig: { includeThoughts: true } } },
    }),
    generateText({ model: mistral(sim)('magistral-medium-latest'), prompt }),
    generateText({ model: openai(sim)('gpt-5'), prompt, providerOptions: { openai: { reasoningSummary: 'auto' } } }),
  ]);
  for (const { finalStep } of shown) expect(finalStep.reasoningText?.trim().split(' ')).toHaveLength(6);
  const hidden = await generateText({ model: openai(sim).chat('gpt-5'), prompt });
  expect([hidden.finalStep.reasoningText, hidden.usage.outputTokenDetails.reasoningTokens]).toEqual([undefined, 6]);
});

it('embeds with every provider that embeds', async () => {
  await using sim = await startSimulator();
  const values = ['one text', 'another text'];
  const results = await Promise.all([
    embedMany({ model: openai(sim).embedding('text-embedding-3-small'), values }),
    embedMany({ model: google(sim).embedding('gemini-embedding-001'), values }),
    embedMany({ model: mistral(sim).embedding('mistral-embed'), values }),
  ]);
  for (const { embeddings } of results) expect(embeddings).toMatchObject([{ length: 8 }, { length: 8 }]);
  expect(results[0]?.usage.tokens).toBe(5);
});

it('generates an image', async () => {
  await using sim = await startSimulator();
  const result = await generateImage({ model: openai(sim).image('gpt-image-1'), prompt: 'A cat', n: 2 });
  expect(result.images).toHaveLength(2);
  expect(result.usage.outputTokens).toBe(2112);
});
