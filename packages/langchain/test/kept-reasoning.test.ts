/** Agent loops over reasoning that OpenAI keeps, on a budget of cents: the limit holds, and most of the money is used. */
import { AgentKavach, Budget, BudgetExceededError, findKavachError } from '@agentkavach/core';
import { rejection, spentNano } from '@agentkavach/core/testing';
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { createAgent, tool } from 'langchain';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { guardChatModel, kavachMiddleware } from '../src/index.ts';
import { world, type World } from './world.ts';

const order = tool(() => 'Two blue mugs, delivered.', {
  name: 'get_order',
  description: 'Reads one order.',
  schema: z.object({ orderId: z.string() }),
});
const REASONING = 400;

type Agent = (w: World, guard: AgentKavach) => ReturnType<typeof createAgent>;
const fields = { model: 'gpt-5-mini', useResponsesApi: true, maxTokens: 500 };

it.each<[string, Agent]>([
  [
    'kavachMiddleware',
    (w, guard) => createAgent({ model: w.openai(fields), tools: [order], middleware: [kavachMiddleware(guard)] }),
  ],
  ['guardChatModel', (w, guard) => createAgent({ model: guardChatModel(w.openai(fields), guard), tools: [order] })],
  [
    'guardChatModel, streaming',
    (w, guard) =>
      createAgent({ model: guardChatModel(w.openai({ ...fields, streaming: true }), guard), tools: [order] }),
  ],
])('a loop goes on until five cents are spent: %s', { timeout: 60_000 }, async (_, agentOf) => {
  let most = 0;
  await using w = await world((request) => {
    const kept = JSON.stringify(request.body).match(/"id":"rs_/g)?.length ?? 0;
    most = Math.max(most, kept);
    return {
      reasoningTokens: REASONING,
      tokens: 30,
      toolCalls: [{ name: 'get_order', arguments: { orderId: `A-${1_000 + request.n}` } }],
      usage: { inputTokens: request.inputTokens + REASONING * kept },
    };
  });
  const guard = new AgentKavach({ budget: Budget.total(0.05), waitMs: 0, minOutputTokens: 500 });
  const messages = [{ role: 'user', content: 'One of the mugs in my last order came broken.' }];
  const ended = await rejection(agentOf(w, guard).invoke({ messages }, { recursionLimit: 300 }));
  expect(findKavachError(ended)).toBeInstanceOf(BudgetExceededError);
  expect(most).toBeGreaterThan(5);
  const billed = w.sim.ledger.totalNano();
  expect(billed).toBe(spentNano(guard));
  expect(billed).toBeLessThanOrEqual(0.05e9);
  expect(billed).toBeGreaterThanOrEqual(0.8 * 0.05e9);
});

const reasoning = { type: 'reasoning', id: 'rs_other', summary: [] };

it.each([
  ['as the items that came', { response_metadata: { output: [reasoning] } }],
  ['as it was streamed', { additional_kwargs: { reasoning } }],
])('reasoning that another process has seen is held at its ceiling: %s', async (_, kept) => {
  await using w = await world();
  const guard = new AgentKavach({ budget: Budget.total(0.008), waitMs: 0 }); // 32,768 tokens cost $0.0082
  const model = guardChatModel(w.openai(fields), guard);
  const earlier = new AIMessage({ content: 'Let me see.', ...kept });
  const refused = await rejection(model.invoke([new HumanMessage('Hi'), earlier, new HumanMessage('And?')]));
  expect(findKavachError(refused)).toBeInstanceOf(BudgetExceededError);
  expect(w.sim.ledger.entries).toHaveLength(0);
});
