import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentKavach, Budget } from '@agentkavach/core';
import { startBackend, type TestBackend } from './backend.ts';

let backend: TestBackend;
beforeAll(async () => {
  backend = await startBackend();
});
afterAll(() => backend[Symbol.asyncDispose]());

const prices = { m: { inputPerMillion: 1_000, outputPerMillion: 1_000 } };
function guardOf(agentName: string, budget: Budget | Budget[], more = {}): AgentKavach {
  return new AgentKavach({ agentName, budget, prices, url: backend.url, apiKey: backend.keys.sdk, ...more });
}
/** 100 tokens in, 100 out: $0.20. */
const ask = (guard: AgentKavach): Promise<string> =>
  guard.call({ provider: 'p', model: 'm', inputTokens: 100, maxOutputTokens: 100 }, () =>
    Promise.resolve({ value: 'ok', usage: { inputTokens: 100, outputTokens: 100 } }),
  );

describe('a connected guard', () => {
  it('takes up what was spent before its process was started', async () => {
    const first = guardOf('resumes', Budget.daily(1));
    await ask(first);
    await ask(first);
    await first.close();
    await using second = guardOf('resumes', Budget.daily(1));
    await ask(second);
    expect(second.status().budgets[0]).toMatchObject({ spent: 0.6, reserved: 0, limit: 1 });
    expect(second.status().backend.state).toBe('connected');
  });

  it('spends a shared budget by lease, to its last cent', async () => {
    const budget = (): Budget => Budget.shared('team', { limit: 1, period: 'daily' });
    await using a = guardOf('a', budget());
    await Promise.all([ask(a), ask(a), ask(a), ask(a), ask(a)]);
    await expect(ask(a)).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', spent: 1 });
    await a.close();
    const [row] = await backend.sql`select spent, leased from kavach.budget_windows w join kavach.budgets b on b.id = w.budget_id where b.name = 'team'`;
    expect(row).toEqual({ spent: '1.000000000', leased: '0.000000000' });
  });
});
