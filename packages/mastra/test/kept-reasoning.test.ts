/** An agent's loop over reasoning that OpenAI keeps, on a budget of cents. */
import { AgentKavach, Budget, BudgetExceededError, findKavachError } from '@agentkavach/core';
import { rejection, spentNano } from '@agentkavach/core/testing';
import { createTool } from '@mastra/core/tools';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { kavach } from '../src/index.ts';
import { agent, forMastra, mastraWith, world, type World } from './world.ts';

const REASONING = 400;
const order = createTool({
  id: 'get_order',
  description: 'Reads one order.',
  inputSchema: z.object({ orderId: z.string() }),
  execute: () => Promise.resolve({ text: 'Two blue mugs, delivered.' }),
});

it.each<[string, (w: World) => Parameters<typeof agent>[0]]>([
  ['a model object', (w) => forMastra(w.openai.responses('gpt-5-mini'))],
  ['a name', () => 'openai/gpt-5-mini'],
])('goes on until five cents are spent: %s', { timeout: 60_000 }, async (_, modelOf) => {
  let most = 0;
  await using w = await world((request) => {
    const kept = JSON.stringify(request.body).match(/"rs_/g)?.length ?? 0;
    most = Math.max(most, kept);
    return {
      reasoningTokens: REASONING,
      tokens: 30,
      toolCalls: [{ name: 'get_order', arguments: { orderId: `A-${1_000 + request.n}` } }],
      usage: { inputTokens: request.inputTokens + REASONING * kept },
    };
  });
  vi.stubEnv('OPENAI_API_KEY', 'test');
  vi.stubEnv('OPENAI_BASE_URL', w.sim.baseURL('openai'));
  const guard = new AgentKavach({ budget: Budget.total(0.05), waitMs: 0, minOutputTokens: 500 });
  const asked = agent(modelOf(w), { tools: { get_order: order } });
  kavach(guard).register(mastraWith({ agents: { asked } }));
  const options = { maxSteps: 300, modelSettings: { maxOutputTokens: 500, maxRetries: 0 } };
  const ended = await rejection(asked.generate('One of the mugs in my last order came broken.', options));
  expect(findKavachError(ended)).toBeInstanceOf(BudgetExceededError);
  const billed = w.sim.ledger.totalNano();
  expect(most).toBeGreaterThan(5);
  expect(billed).toBe(spentNano(guard));
  expect(billed).toBeLessThanOrEqual(0.05e9);
  expect(billed).toBeGreaterThanOrEqual(0.8 * 0.05e9);
});
