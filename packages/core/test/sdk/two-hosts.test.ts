/** One guard before two hosts of one name: what one of them billed for a conversation says nothing of the other's bill. */
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { AgentKavach, Budget, BudgetExceededError } from '../../src/index.ts';
import type { Fetch } from '../../src/transport/request.ts';
import { rejection } from '../../src/testing/index.ts';

/** A client of a host that bills every input with so many tokens. */
function clientOf(baseURL: string, prompt_tokens: number): OpenAI {
  const answer = {
    object: 'chat.completion',
    model: 'gpt-4o',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
    usage: { prompt_tokens, completion_tokens: 1, total_tokens: prompt_tokens + 1 },
  };
  const fetch: Fetch = () => Promise.resolve(Response.json(answer));
  return new OpenAI({ apiKey: 'test', baseURL, fetch, maxRetries: 0 });
}

describe('two hosts under one guard', () => {
  it('are bounded each by its own bills', async () => {
    const content = '7f3a-90c2 '.repeat(200);
    const proxy = clientOf('https://proxy.example/v1', 500);
    const openai = clientOf('https://api.openai.com/v1', 1_400);
    const prices = { 'gpt-4o': { inputPerMillion: 50, outputPerMillion: 50 } };
    const guard = new AgentKavach({ budget: Budget.total(0.11), prices, waitMs: 0 });
    const ask = (client: OpenAI) =>
      guard.wrap(client).chat.completions.create({
        model: 'gpt-4o',
        max_tokens: 1,
        messages: [{ role: 'user', content }],
      });
    await ask(proxy);
    guard.setLimit('total', (guard.status().budgets[0]?.spent ?? 0) + 0.04);
    expect(await rejection(ask(openai))).toBeInstanceOf(BudgetExceededError);
    guard.resume();
    await ask(proxy);
    expect(guard.status().budgets[0]?.spent).toBeLessThanOrEqual(0.0651);
  });
});
