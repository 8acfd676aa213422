/** Streams whose host counts along: only what comes with the end is the bill. */
import { AgentKavach, Budget } from '@agentkavach/core';
import { spends } from '@agentkavach/core/testing';
import { ChatOpenAI } from '@langchain/openai';
import { describe, expect, it } from 'vitest';
import { guardChatModel } from '../src/index.ts';

const usage = (completion_tokens: number) => ({
  prompt_tokens: 5,
  completion_tokens,
  total_tokens: 5 + completion_tokens,
});
const chunk = (content: string, finish_reason: string | null, counted: number) => ({
  object: 'chat.completion.chunk',
  model: 'gpt-4o',
  choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason }],
  usage: usage(counted),
});
const alone = (counted: number) => ({
  object: 'chat.completion.chunk',
  model: 'gpt-4o',
  choices: [],
  usage: usage(counted),
});

const WAYS = {
  chunks: async (model: ChatOpenAI) => {
    for await (const _ of await model.stream('Hi'));
  },
  events: async (model: ChatOpenAI) => {
    for await (const _ of model.streamEvents('Hi'));
  },
} as const;

describe.each(Object.entries(WAYS))('a stream of %s that counts along', (_, read) => {
  /** What a call is charged, by what came of its stream. */
  async function charged(events: readonly object[]) {
    const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
    const headers = { 'content-type': 'text/event-stream' };
    const configuration = { fetch: () => Promise.resolve(new Response(text, { headers })) };
    const guard = new AgentKavach({ budget: Budget.total(10) });
    const { all } = spends(guard);
    await read(
      guardChatModel(new ChatOpenAI({ model: 'gpt-4o', apiKey: 'test', maxTokens: 100, configuration }), guard),
    );
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
