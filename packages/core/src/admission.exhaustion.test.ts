import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import { BudgetExceededError, KilledError, type KillReason } from './errors.ts';
import { guardFixture, type GuardFixture } from './testing/index.ts';

const DAY = 86_400_000;
const FULL = { maxOutputTokens: 900 } as const; // $1.00 with its input of 100 tokens

interface Recorded extends GuardFixture {
  readonly kills: KillReason[];
  readonly thresholds: number[];
  readonly denials: boolean[];
  /** Sends a call that costs so many tokens in all, and waits for its end. */
  spend(tokens: number): Promise<unknown>;
}

function recorded(options: Parameters<typeof guardFixture>[0], shared?: GuardFixture): Recorded {
  const kills: KillReason[] = [];
  const fixture = guardFixture({ waitMs: 0, onKill: (reason) => kills.push(reason), ...options }, shared);
  const thresholds: number[] = [];
  const denials: boolean[] = [];
  fixture.guard.on('threshold', ({ threshold }) => thresholds.push(threshold));
  fixture.guard.on('denied', ({ enforced }) => denials.push(enforced));
  const spend = (tokens: number): Promise<unknown> => {
    const answer = fixture.ask({ inputTokens: 0, maxOutputTokens: tokens });
    fixture.provider.pending.at(-1)?.answer(0, tokens);
    return answer;
  };
  return { ...fixture, kills, thresholds, denials, spend };
}

describe('a hard budget that is exhausted', () => {
  it('by a refusal that nothing in flight could avert: threshold 1 and onKill once', async () => {
    const { guard, spend, kills, thresholds } = recorded({ budget: Budget.daily(1) });
    await spend(950);
    expect(thresholds).toEqual([0.7, 0.9]);
    for (let i = 0; i < 3; i++) await expect(spend(60)).rejects.toThrow(BudgetExceededError);
    expect(thresholds).toEqual([0.7, 0.9, 1]);
    expect(kills).toEqual(['cost']);
    expect(guard.status()).toMatchObject({ killed: true, kill: { reason: 'cost', by: null } });
    expect(guard.canStartCall()).toBe(false);
  });

  it('by spend that reaches the limit', async () => {
    const { spend, kills, thresholds } = recorded({ budget: Budget.daily(1) });
    await spend(1_000);
    expect([kills, thresholds]).toEqual([['cost'], [0.7, 0.9, 1]]);
    await expect(spend(1)).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', spent: 1 });
    expect(kills).toEqual(['cost']);
  });

  it('lets calls in flight finish: they are paid for', async () => {
    const { ask, provider, guard } = recorded({ budget: Budget.daily(1) });
    const running = ask({ maxOutputTokens: 400 });
    await expect(ask({ maxOutputTokens: 1_001 })).rejects.toThrow(BudgetExceededError);
    expect(provider.pending[0]!.grant.signal.aborted).toBe(false);
    expect(guard.signal.aborted).toBe(false);
    provider.pending[0]!.answer(100, 400);
    await expect(running).resolves.toBe(1);
  });

  it('reopens with the next window, without a restart, and can be exhausted again', async () => {
    const { spend, clock, kills, thresholds, guard } = recorded({ budget: Budget.daily(1) });
    await spend(1_000);
    clock.advance(DAY);
    expect(guard.status()).toMatchObject({ killed: false, budgets: [{ spent: 0, exhausted: false }] });
    await spend(1_000);
    expect(kills).toEqual(['cost', 'cost']);
    expect(thresholds).toEqual([0.7, 0.9, 1, 0.7, 0.9, 1]);
  });

  it('is found exhausted again when the clock jumps back', async () => {
    const { spend, clock, provider } = recorded({ budget: Budget.daily(1) });
    await spend(1_000);
    clock.advance(DAY);
    await spend(10);
    clock.set(clock.now() - DAY);
    await expect(spend(10)).rejects.toThrow(BudgetExceededError);
    expect(provider.billed).toBe(1_010_000_000);
  });

  it('reopens when its limit is raised, and fires again at the new one', async () => {
    const { guard, spend, kills, thresholds } = recorded({ budget: Budget.daily(1) });
    await spend(1_000);
    guard.setLimit('daily', 2);
    expect(guard.status().killed).toBe(false);
    await spend(1_000);
    expect(thresholds).toEqual([0.7, 0.9, 1, 0.7, 0.9, 1]);
    expect(kills).toEqual(['cost', 'cost']);
  });

  it('is exhausted by a limit that is lowered below the spend, once', async () => {
    const { guard, spend, kills } = recorded({ budget: Budget.daily(1) });
    await spend(500);
    guard.setLimit('daily', 0.5);
    guard.setLimit('daily', 0.4);
    await expect(spend(1)).rejects.toMatchObject({ limit: 0.4, spent: 0.5 });
    expect(kills).toEqual(['cost']);
  });

  it('names tokens or calls as the reason where those are counted', async () => {
    const tokens = recorded({ budget: Budget.tokens(500, 'daily') });
    await tokens.spend(500);
    expect(tokens.kills).toEqual(['tokens']);
    const calls = recorded({ budget: Budget.calls(2, 'daily') });
    await calls.spend(1);
    await calls.spend(1);
    expect(calls.kills).toEqual(['calls']);
    await expect(calls.spend(1)).rejects.toMatchObject({ unit: 'calls', limit: 2, spent: 2, requested: 1 });
  });

  it('says so, and not that a backend is missing, where an API key is set', async () => {
    const { spend } = recorded({ budget: Budget.daily(1), apiKey: `ak_dev_${'a'.repeat(40)}` });
    await spend(1_000);
    await expect(spend(1)).rejects.toThrow(/has stopped the agent.*guard\.setLimit/);
  });

  it('resumed by a person, it stops again at the next call', async () => {
    const { guard, spend, provider } = recorded({ budget: Budget.daily(1) });
    await spend(1_000);
    guard.resume();
    expect(guard.status().killed).toBe(false);
    await expect(spend(1)).rejects.toThrow(BudgetExceededError);
    expect(guard.status().killed).toBe(true);
    expect(provider.requests).toBe(1);
  });
});

describe('a manual kill', () => {
  it('does not end with the window, nor by a higher limit; only by resume()', async () => {
    const { guard, spend, clock, kills } = recorded({ budget: Budget.daily(1) });
    guard.kill();
    clock.advance(DAY);
    await expect(spend(1)).rejects.toThrow(KilledError);
    guard.setLimit('daily', 5);
    await expect(spend(1)).rejects.toThrow(KilledError);
    guard.resume();
    await spend(1);
    expect(kills).toEqual(['manual']);
  });
});

describe('mode soft', () => {
  it('refuses once the limit is spent, not before', async () => {
    const { spend, guard, kills } = recorded({ budget: Budget.daily(1), mode: 'soft' });
    await spend(999);
    await spend(500);
    expect(guard.status().budgets[0]!.spent).toBe(1.499);
    await expect(spend(1)).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', spent: 1.499 });
    expect(kills).toEqual(['cost']);
  });

  it('refuses again after resume(), for the limit is still spent', async () => {
    const { spend, guard, provider } = recorded({ budget: Budget.daily(1), mode: 'soft' });
    await spend(1_000);
    guard.resume();
    await expect(spend(1)).rejects.toThrow(BudgetExceededError);
    expect(provider.requests).toBe(1);
  });

  it('refuses where another guard has spent the shared budget before this one was made', async () => {
    const budget = Budget.shared('soft-test-pool', { limit: 1, period: 'daily' });
    const first = recorded({ budget, mode: 'soft' });
    await first.spend(1_000);
    const second = recorded({ budget, mode: 'soft' }, first);
    await expect(second.spend(1)).rejects.toThrow(BudgetExceededError);
  });

  it('reopens with the next window and a higher limit', async () => {
    const { spend, guard, clock } = recorded({ budget: Budget.daily(1), mode: 'soft' });
    await spend(1_000);
    guard.setLimit('daily', 2);
    await spend(1_000);
    await expect(spend(1)).rejects.toThrow(BudgetExceededError);
    clock.advance(DAY);
    await spend(1);
  });
});

describe('mode observe', () => {
  const observed = { budget: Budget.daily(1), mode: 'observe' } as const;

  it('never refuses, kills or waits, and says what it would have refused', async () => {
    const { spend, guard, kills, denials, thresholds } = recorded(observed);
    for (let i = 0; i < 4; i++) await spend(400);
    expect(guard.status().budgets[0]!.spent).toBe(1.6);
    expect(denials).toEqual([false, false]);
    expect(kills).toEqual([]);
    expect(thresholds).toEqual([0.7, 0.9, 1]);
    expect(guard.status().killed).toBe(false);
  });

  it('reports nothing that hard would have let through with a lower output cap', async () => {
    const { ask, provider, denials } = recorded(observed);
    void ask({ canClampOutput: true });
    void ask({ maxOutputTokens: 50_000, canClampOutput: true });
    expect(provider.requests).toBe(2);
    expect(denials).toEqual([]);
  });

  it('reports nothing that hard would have let wait', () => {
    const { ask, denials } = recorded({ ...observed, waitMs: 1_000 });
    void ask(FULL);
    void ask(FULL);
    expect(denials).toEqual([]);
  });

  it('sends unknown models, priced at the ceiling, and reports them', async () => {
    const { guard, denials } = recorded(observed);
    await guard.call({ provider: 'acme', model: 'acme-9', inputTokens: 1, maxOutputTokens: 10 }, async () => ({
      value: 1,
    }));
    expect(denials).toEqual([false]);
    expect(guard.status().budgets[0]!.spent).toBeGreaterThan(0);
  });

  it('does not refuse a pooled budget whose backend is missing', async () => {
    const apiKey = `ak_dev_${'a'.repeat(40)}`;
    const budget = Budget.shared('observe-test-pool', { limit: 1, period: 'daily' });
    await recorded({ budget, mode: 'observe', apiKey }).spend(1);
    await expect(recorded({ budget, apiKey }).spend(1)).rejects.toThrow(/backend is not connected/);
  });
});
