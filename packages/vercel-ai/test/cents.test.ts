/** Agent loops on a budget of cents: the limit holds, and most of the money is used. */
import { generateText, isStepCount, streamText, tool, type LanguageModel } from 'ai';
import { AgentKavach, Budget, BudgetExceededError, findKavachError } from '@agentkavach/core';
import { rejection, spentNano } from '@agentkavach/core/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { guardModel } from '../src/index.ts';
import { world, type World } from './world.ts';

const SYSTEM =
  'You are a support agent of a small shop. Be brief and polite. Look things up before you answer, never guess, and refund at most fifty dollars without asking a colleague.';
const tools = {
  search_orders: tool({
    description: 'Searches the orders of a customer.',
    inputSchema: z.object({
      customerId: z.string().describe('The customer.'),
      status: z.enum(['open', 'shipped']).optional(),
    }),
    execute: () => ({ orders: [] }),
  }),
  get_order: tool({
    description: 'Reads one order.',
    inputSchema: z.object({ orderId: z.string() }),
    execute: () => ({
      orderId: 'A-1009',
      items: [{ sku: 'mug-blue', qty: 2, price: 14.25 }],
      carrier: 'DHL',
      delivered: false,
    }),
  }),
  refund: tool({
    description: 'Refunds an order, whole or in part.',
    inputSchema: z.object({ orderId: z.string(), amount: z.number(), reason: z.string() }),
    execute: () => ({ ok: true }),
  }),
};
const asks = (model: LanguageModel) => ({
  model,
  tools,
  instructions: SYSTEM,
  prompt: 'Hi, one of the mugs in my last order came broken. My number is C-20931. What can you do?',
  maxOutputTokens: 128,
  stopWhen: isStepCount(300),
});

describe('an agent loop on five cents', () => {
  it.each<[string, (w: World) => LanguageModel & object, number]>([
    ['OpenAI Chat', (w) => w.openai.chat('gpt-4o'), 0.85],
    ['OpenAI Responses', (w) => w.openai.responses('gpt-4o'), 0.9],
    ['Anthropic', (w) => w.anthropic('claude-opus-5'), 0.8],
    ['Google', (w) => w.google('gemini-2.5-pro'), 0.92],
    ['Mistral', (w) => w.mistral('mistral-large-latest'), 0.92],
  ])('uses most of them, and never more: %s', { timeout: 60_000 }, async (_, modelOf, share) => {
    await using w = await world(({ n }) => ({
      tokens: 30,
      toolCalls: [{ name: 'get_order', arguments: { orderId: `A-${1_000 + n}` } }],
    }));
    const guard = new AgentKavach({ budget: Budget.total(0.05), waitMs: 0 });
    const model = guardModel(modelOf(w), guard);
    expect(findKavachError(await rejection(generateText(asks(model))))).toBeInstanceOf(BudgetExceededError);
    const billed = w.sim.ledger.totalNano();
    expect(billed).toBe(spentNano(guard));
    expect(billed).toBeLessThanOrEqual(0.05e9);
    expect(billed).toBeGreaterThanOrEqual(share * 0.05e9);
  });

  // OpenAI keeps the reasoning of each step, and bills it again as input with every later one.
  const REASONING = 400;
  it.each<[string, (model: LanguageModel) => Promise<unknown>]>([
    ['in one piece', (model) => rejection(generateText({ ...asks(model), maxOutputTokens: 500 }))],
    [
      'as streams',
      async (model) => {
        let seen: unknown;
        const onError = ({ error }: { error: unknown }): unknown => (seen ??= error);
        await streamText({ ...asks(model), maxOutputTokens: 500, onError }).consumeStream();
        return seen;
      },
    ],
  ])('goes on with reasoning that OpenAI keeps: %s', { timeout: 60_000 }, async (_, loop) => {
    await using w = await world((request) => {
      const references = JSON.stringify(request.body).match(/"rs_/g)?.length ?? 0;
      return {
        reasoningTokens: REASONING,
        tokens: 30,
        toolCalls: [{ name: 'get_order', arguments: { orderId: `A-${1_000 + request.n}` } }],
        usage: { inputTokens: request.inputTokens + REASONING * references },
      };
    });
    const guard = new AgentKavach({ budget: Budget.total(0.05), waitMs: 0, minOutputTokens: 500 });
    const model = guardModel(w.openai.responses('gpt-5-mini'), guard);
    expect(findKavachError(await loop(model))).toBeInstanceOf(BudgetExceededError);
    const billed = w.sim.ledger.totalNano();
    expect(billed).toBe(spentNano(guard));
    expect(billed).toBeLessThanOrEqual(0.05e9);
    expect(billed).toBeGreaterThanOrEqual(0.8 * 0.05e9);
  });

  it('does so in streams too', { timeout: 60_000 }, async () => {
    await using w = await world(({ n }) => ({
      tokens: 30,
      toolCalls: [{ name: 'get_order', arguments: { orderId: `A-${1_000 + n}` } }],
    }));
    const guard = new AgentKavach({ budget: Budget.total(0.05), waitMs: 0 });
    const seen: unknown[] = [];
    const onError = ({ error }: { error: unknown }): void => void seen.push(findKavachError(error));
    await streamText({ ...asks(guardModel(w.openai.chat('gpt-4o'), guard)), onError }).consumeStream();
    expect(seen).toEqual([expect.any(BudgetExceededError)]);
    expect(w.sim.ledger.totalNano()).toBe(spentNano(guard));
    expect(w.sim.ledger.totalNano()).toBeLessThanOrEqual(0.05e9);
    expect(w.sim.ledger.totalNano()).toBeGreaterThanOrEqual(0.85 * 0.05e9);
  });
});
