import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import { BudgetExceededError, type KillReason } from './errors.ts';
import { guardFixture } from './testing/index.ts';

describe('status() of a budget per user', () => {
  it('counts 200,000 users', () => {
    const { guard } = guardFixture({ budget: Budget.perUser(1, 'daily') });
    for (let i = 0; i < 200_000; i++) guard.run({ user: `u${i}`, runId: 'r' }, () => guard.charge(0.000001, 'tool'));
    guard.run({ user: 'u7' }, () => guard.charge(0.5, 'tool'));
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0.7, remaining: 0.499999, exhausted: false });
  }, 60_000);

  it('takes the exhausted budget of calls without a user for no kill of the agent', async () => {
    const kills: KillReason[] = [];
    const { guard, ask, provider } = guardFixture({
      budget: Budget.perUser(1, 'daily'),
      onKill: (reason) => kills.push(reason),
      waitMs: 0,
    });
    const first = ask({ inputTokens: 0, maxOutputTokens: 1_000 });
    provider.pending[0]!.answer(0, 1_000);
    await first;
    await expect(ask({ maxOutputTokens: 1 })).rejects.toBeInstanceOf(BudgetExceededError);
    expect(guard.status()).toMatchObject({ killed: false, kill: null, budgets: [{ exhausted: true }] });
    expect(kills).toEqual([]);
    void guard.run({ user: 'u1' }, () => ask({ maxOutputTokens: 1 }));
    expect(provider.requests).toBe(2);
  });
});
