/** Streams of several answers: the first that ends is not the last word. */
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { AgentKavach, Budget } from '../../src/index.ts';
import type { Fetch } from '../../src/transport/request.ts';
import { spends } from '../../src/testing/index.ts';

const chunk = (index: number, finish_reason: string | null, more: object = {}) => ({
  object: 'chat.completion.chunk',
  model: 'gpt-4o',
  choices: [{ index, delta: { content: 'Hi' }, finish_reason }],
  ...more,
});
const usage = { prompt_tokens: 5, completion_tokens: 9, total_tokens: 14 };
const running = { usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 } };

/** What a call of two answers is charged, by what came of its stream. */
async function charged(events: readonly object[]) {
  const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
  const headers = { 'content-type': 'text/event-stream' };
  const fetch: Fetch = () => Promise.resolve(new Response(text, { headers }));
  const guard = new AgentKavach({ budget: Budget.total(10) });
  const openai = guard.wrap(new OpenAI({ apiKey: 'test', fetch }));
  const { all } = spends(guard);
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  const stream = await openai.chat.completions.create({
    model: 'gpt-4o',
    n: 2,
    max_tokens: 100,
    stream: true,
    messages,
  });
  for await (const _ of stream);
  return all;
}

describe('a stream of two answers', () => {
  it.each([
    ['cut short after the first', [chunk(0, null), chunk(1, null), chunk(0, 'stop')]],
    ['cut short while its host counts along', [chunk(0, 'stop'), chunk(1, null, running)]],
    ['cut short where one is closed twice', [chunk(0, 'stop'), chunk(0, 'stop'), chunk(1, null)]],
  ])('is charged what it holds where it is %s', async (_, events) => {
    expect(await charged(events)).toMatchObject([{ outcome: 'unknown', outputTokens: 200 }]);
  });

  it.each([
    ['both have ended', [chunk(0, 'stop'), chunk(1, null), chunk(1, 'length', { usage })]],
    ['the usage comes at the end', [chunk(0, 'stop'), { ...chunk(0, null), choices: [], usage }]],
  ])('is charged its bill where %s', async (_, events) => {
    expect(await charged(events)).toMatchObject([{ outcome: 'completed', outputTokens: 9, estimated: false }]);
  });
});
