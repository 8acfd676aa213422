/** Streams whose host counts along: only what comes with the end is the bill. */
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { AgentKavach, Budget } from '../../src/index.ts';
import type { Fetch } from '../../src/transport/request.ts';
import { spends } from '../../src/testing/index.ts';

const usage = (completion_tokens: number) => ({
  prompt_tokens: 5,
  completion_tokens,
  total_tokens: 5 + completion_tokens,
});
const chunk = (content: string, finish_reason: string | null, counted?: number) => ({
  object: 'chat.completion.chunk',
  model: 'gpt-4o',
  choices: [{ index: 0, delta: { content }, finish_reason }],
  ...(counted === undefined ? {} : { usage: usage(counted) }),
});
const alone = (counted: number) => ({
  object: 'chat.completion.chunk',
  model: 'gpt-4o',
  choices: [],
  usage: usage(counted),
});
/** Azure's first chunk, at a host that counts along in it too. */
const first = { ...alone(0), prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] };

/** What a call is charged, by what came of its stream. */
async function charged(events: readonly (object | '[DONE]')[]) {
  const text = events.map((event) => `data: ${event === '[DONE]' ? event : JSON.stringify(event)}\n\n`).join('');
  const headers = { 'content-type': 'text/event-stream' };
  const fetch: Fetch = () => Promise.resolve(new Response(text, { headers }));
  const guard = new AgentKavach({ budget: Budget.total(10) });
  const openai = guard.wrap(new OpenAI({ apiKey: 'test', fetch }));
  const { all } = spends(guard);
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  const stream = await openai.chat.completions.create({ model: 'gpt-4o', max_tokens: 100, stream: true, messages });
  for await (const _ of stream);
  return all;
}

describe('a stream that counts along', () => {
  it.each([
    ['after a first chunk without choices', [first]],
    ['after such a one and some output', [first, chunk('Hel', null, 1), chunk('lo', null, 2)]],
    ['between chunks without choices', [first, chunk('Hel', null, 1), alone(1), chunk('lo', null, 2), alone(2)]],
  ])('is charged what it holds where it is cut short %s', async (_, events) => {
    expect(await charged(events)).toMatchObject([{ outcome: 'unknown', outputTokens: 100, estimated: true }]);
  });

  it.each([
    ['a usage after the reason to stop', [first, chunk('Hi', null, 1), chunk('', 'stop', 2), alone(9)]],
    ['a usage beside the reason to stop', [first, chunk('Hi', null, 1), chunk('', 'stop', 9)]],
    ['[DONE], without a reason to stop', [first, chunk('Hi', null, 1), alone(9), '[DONE]' as const]],
  ])('is charged its bill where it ends with %s', async (_, events) => {
    expect(await charged(events)).toMatchObject([{ outcome: 'completed', outputTokens: 9, estimated: false }]);
  });
});
