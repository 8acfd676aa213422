/** Streams whose host counts along: only what comes with the end is the bill. */
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { AgentKavach, Budget } from '@agentkavach/core';
import { spends } from '@agentkavach/core/testing';
import { streamText, wrapLanguageModel } from 'ai';
import { describe, expect, it } from 'vitest';
import { kavach } from '../src/index.ts';

const usage = (completion_tokens: number) => ({
  prompt_tokens: 5,
  completion_tokens,
  total_tokens: 5 + completion_tokens,
});
const chunk = (content: string, finish_reason: string | null, counted: number) => ({
  id: '1',
  created: 1,
  object: 'chat.completion.chunk',
  model: 'gpt-4o',
  choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason }],
  usage: usage(counted),
});
const alone = (counted: number) => ({ ...chunk('', null, counted), choices: [] });

type Fetch = () => Promise<Response>;

const MODELS = {
  openai: (fetch: Fetch) => createOpenAI({ apiKey: 'test', fetch }).chat('gpt-4o'),
  'openai-compatible': (fetch: Fetch) =>
    createOpenAICompatible({ name: 'openai', baseURL: 'http://localhost/v1', fetch })('gpt-4o'),
} as const;

describe.each(Object.entries(MODELS))('a stream of %s that counts along', (_, make) => {
  /** What a call is charged, by what came of its stream. */
  async function charged(events: readonly object[]) {
    const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
    const headers = { 'content-type': 'text/event-stream' };
    const guard = new AgentKavach({ budget: Budget.total(10) });
    const { all } = spends(guard);
    const inner = make(() => Promise.resolve(new Response(text, { headers })));
    const model = wrapLanguageModel({ model: inner, middleware: kavach(guard) });
    await streamText({ model, prompt: 'Hi', maxOutputTokens: 100, onError: () => undefined }).consumeStream();
    return all;
  }

  it.each([
    ['after a first chunk without choices', [alone(0)]],
    ['after such a one and some output', [alone(0), chunk('Hel', null, 1), chunk('lo', null, 2)]],
    ['between chunks without choices', [chunk('Hel', null, 1), alone(1), chunk('lo', null, 2), alone(2)]],
  ])('is charged what it holds where it is cut short %s', async (_case, events) => {
    expect(await charged(events)).toMatchObject([{ outcome: 'unknown', outputTokens: 100, estimated: true }]);
  });

  it.each([
    ['a usage after the reason to stop', [alone(0), chunk('Hi', null, 1), chunk('', 'stop', 2), alone(9)]],
    ['a usage beside the reason to stop', [alone(0), chunk('Hi', null, 1), chunk('', 'stop', 9)]],
  ])('is charged its bill where it ends with %s', async (_case, events) => {
    expect(await charged(events)).toMatchObject([{ outcome: 'completed', outputTokens: 9, estimated: false }]);
  });
});
