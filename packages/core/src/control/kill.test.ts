import { describe, expect, it, vi } from 'vitest';
import { Budget } from '../budget/budget.ts';
import type { CallResult } from '../call.ts';
import type { KavachOptions } from '../config/options.ts';
import { BudgetExceededError, ClosedError, ConfigError, KilledError, type KillReason } from '../errors.ts';
import { AgentKavach } from '../kavach.ts';
import { deferred } from '../testing/deferred.ts';
import { expectSettled, meteredGuard, REQUEST, RESERVED_USD } from '../testing/metered.ts';
import { FakeClock } from '../testing/fake-clock.ts';

type Reply = CallResult<string>;
const FULL: Reply = { value: 'ok', usage: { inputTokens: 100, outputTokens: 50 } };

function killable(options: KavachOptions = {}) {
  const onKill = vi.fn<(reason: KillReason) => void>();
  const { guard, booked } = meteredGuard({ onKill, waitMs: 0, ...options });
  const ask = (): Promise<string> => guard.call(REQUEST, async () => FULL);
  const hold = () => {
    const { promise, resolve } = deferred<Reply>();
    let signal: AbortSignal | undefined;
    const answer = guard.call(REQUEST, (grant) => {
      signal = grant.signal;
      return promise;
    });
    answer.catch(() => undefined);
    return { answer, resolve, signal: signal as AbortSignal };
  };
  return { guard, booked, onKill, ask, hold };
}

describe('kill()', () => {
  it('refuses new calls, aborts those in flight, and says so once', async () => {
    const { guard, booked, onKill, ask, hold } = killable();
    const events = vi.fn();
    guard.on('kill', events);
    const first = hold();
    const agentSignal = guard.signal;
    guard.kill();
    guard.kill();
    await expect(first.answer).rejects.toMatchObject({ code: 'KAVACH_KILLED', reason: 'manual' });
    await expect(ask()).rejects.toBeInstanceOf(KilledError);
    expect(agentSignal.aborted).toBe(true);
    expect(agentSignal.reason).toBeInstanceOf(KilledError);
    expect(onKill.mock.calls).toEqual([['manual']]);
    expect(events).toHaveBeenCalledOnce();
    expectSettled(guard, booked, 1);
    expect(guard.status()).toMatchObject({ killed: true, kill: { reason: 'manual', by: null } });
  });

  it('names who stopped the agent', async () => {
    const { guard, ask } = killable();
    guard.kill('manual', 'ops@example.com');
    await expect(ask()).rejects.toMatchObject({ by: 'ops@example.com', message: expect.stringContaining('ops@') });
    expect(guard.status().kill).toEqual({ reason: 'manual', by: 'ops@example.com' });
  });

  it.each(['cost', 'tokens', 'calls', 'daily_limit'] as const)('lets calls in flight finish for %s', async (reason) => {
    const { guard, onKill, ask, hold } = killable();
    const first = hold();
    guard.kill(reason);
    await expect(ask()).rejects.toMatchObject({ reason });
    expect(first.signal.aborted).toBe(false);
    expect(guard.signal.aborted).toBe(false);
    first.resolve(FULL);
    await expect(first.answer).resolves.toBe('ok');
    expect(onKill.mock.calls).toEqual([[reason]]);
  });

  it('by a person aborts also what an earlier kill has let finish', async () => {
    const { guard, onKill, hold } = killable();
    const first = hold();
    guard.kill('daily_limit');
    guard.kill('manual', 'ops');
    await expect(first.answer).rejects.toMatchObject({ reason: 'manual', by: 'ops' });
    expect(onKill.mock.calls).toEqual([['daily_limit'], ['manual']]);
  });

  it('refuses calls that wait for room', async () => {
    const { guard, hold } = killable({ budget: Budget.total(0.0003), waitMs: 30_000 });
    const first = hold();
    const waiting = guard.call(REQUEST, async () => FULL);
    guard.kill('cost');
    await expect(waiting).rejects.toBeInstanceOf(KilledError);
    first.resolve(FULL);
    await expect(first.answer).resolves.toBe('ok');
  });

  it('takes only known reasons', () => {
    expect(() => killable().guard.kill('whim' as KillReason)).toThrow(ConfigError);
  });

  it('does not reopen with the next window; resume() does reopen, with a fresh signal', async () => {
    const clock = new FakeClock();
    const { guard, onKill, ask } = killable({ budget: Budget.hourly(1), clock });
    guard.kill();
    clock.advance(2 * 3_600_000);
    await expect(ask()).rejects.toBeInstanceOf(KilledError);
    const resumed = vi.fn();
    guard.on('resume', resumed);
    guard.resume();
    expect(resumed).toHaveBeenCalledOnce();
    expect(guard.signal.aborted).toBe(false);
    expect(guard.status()).toMatchObject({ killed: false, kill: null });
    await expect(ask()).resolves.toBe('ok');
    guard.kill();
    expect(onKill).toHaveBeenCalledTimes(2);
  });

  it('tells of no resume where nothing was stopped', () => {
    const { guard } = killable();
    const resumed = vi.fn();
    guard.on('resume', resumed);
    guard.resume();
    guard.kill();
    guard.resume();
    guard.resume();
    expect(resumed).toHaveBeenCalledOnce();
  });

  it('reaches work that took its signal before a resume() of something that had not ended it', async () => {
    const { guard } = killable({ budget: Budget.daily(1) });
    await guard.run((run) => {
      const signals = [guard.signal, run.signal];
      guard.resume();
      guard.charge(1, 'tool'); // a budget kill leaves the work of those who have paid alone
      guard.resume();
      expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
      guard.kill();
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
      return Promise.resolve();
    });
  });
});

describe('a budget at 100 %', () => {
  it('kills once, with the dimension as its reason, and reopens at the next window', async () => {
    const clock = new FakeClock();
    const { guard, onKill, ask } = killable({ budget: Budget.hourly(2 * RESERVED_USD), clock });
    await ask();
    await ask();
    await expect(ask()).rejects.toBeInstanceOf(BudgetExceededError);
    await expect(ask()).rejects.toBeInstanceOf(BudgetExceededError);
    expect(onKill.mock.calls).toEqual([['cost']]);
    expect(guard.status()).toMatchObject({ killed: true, kill: { reason: 'cost' } });
    clock.advance(3_600_000);
    expect(guard.status().killed).toBe(false);
    await expect(ask()).resolves.toBe('ok');
  });

  it.each([
    ['tokens', Budget.tokens(150, 'total')],
    ['calls', Budget.calls(1, 'total')],
  ])('kills with the reason %s', async (reason, budget) => {
    const { onKill, ask } = killable({ budget });
    await ask();
    await expect(ask()).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', unit: reason });
    expect(onKill.mock.calls).toEqual([[reason]]);
  });

  it('kills also when the spend never reaches the limit exactly', async () => {
    const { guard, onKill, ask } = killable({ budget: Budget.total(1.5 * RESERVED_USD) });
    const thresholds = vi.fn();
    guard.on('threshold', thresholds);
    await ask();
    await expect(ask()).rejects.toBeInstanceOf(BudgetExceededError);
    expect(onKill.mock.calls).toEqual([['cost']]);
    expect(thresholds.mock.calls.map(([event]) => (event as { threshold: number }).threshold)).toEqual([1]);
  });

  it('is reached by charge() too, which is never refused', async () => {
    const { guard, booked, onKill, ask } = killable({ budget: Budget.total(0.01) });
    guard.charge(0.01, 'serp-api');
    expect(booked[0]).toMatchObject({ usd: 0.01, model: 'serp-api', outcome: 'charge', estimated: false });
    expect(onKill.mock.calls).toEqual([['cost']]);
    await expect(ask()).rejects.toBeInstanceOf(BudgetExceededError);
    guard.charge(0.005, 'serp-api');
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0.015, remaining: 0 });
    expect(guard.status().run).toMatchObject({ calls: 0, spent: 0.015 });
    expect(onKill).toHaveBeenCalledOnce();
  });

  it('reopens when its limit is raised', async () => {
    const { guard, onKill, ask } = killable({ budget: Budget.total(RESERVED_USD) });
    await ask();
    await expect(ask()).rejects.toBeInstanceOf(BudgetExceededError);
    guard.setLimit('total', 2 * RESERVED_USD);
    await expect(ask()).resolves.toBe('ok');
    expect(onKill.mock.calls).toEqual([['cost'], ['cost']]);
  });
});

describe('a kill channel below 1.0', () => {
  const at = (threshold: number, budgetType?: 'cost' | 'tokens' | 'calls') => [
    AgentKavach.channel('kill', { threshold, budgetType }),
  ];

  it('stops later calls with the error of the budget, while those in flight finish and add no second kill', async () => {
    const { guard, onKill, ask, hold } = killable({ budget: Budget.total(2 * RESERVED_USD), channels: at(0.5) });
    const other = hold();
    await ask();
    expect(onKill.mock.calls).toEqual([['cost']]);
    await expect(ask()).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', spent: RESERVED_USD });
    other.resolve(FULL);
    await expect(other.answer).resolves.toBe('ok');
    expect(guard.status().budgets[0]!.spent).toBe(2 * RESERVED_USD);
    expect(onKill).toHaveBeenCalledOnce();
  });

  it('stops only for budgets of its type', async () => {
    const budget = [Budget.total(4 * RESERVED_USD), Budget.tokens(1_000, 'total')];
    const { onKill, ask } = killable({ budget, channels: at(0.3, 'tokens') });
    await ask();
    await ask(); // the dollars are past 30 %, the tokens reach it now
    expect(onKill.mock.calls).toContainEqual(['tokens']);
    await expect(ask()).rejects.toMatchObject({ unit: 'tokens' });
  });

  it('lets the agent go on after resume(), to the limit', async () => {
    const { guard, onKill, ask } = killable({ budget: Budget.total(4 * RESERVED_USD), channels: at(0.5) });
    await ask();
    await ask();
    await expect(ask()).rejects.toBeInstanceOf(BudgetExceededError);
    guard.resume();
    await ask();
    await ask();
    await expect(ask()).rejects.toBeInstanceOf(BudgetExceededError);
    expect(onKill.mock.calls).toEqual([['cost'], ['cost']]);
  });
});

describe('close()', () => {
  it('refuses new calls, aborts and settles those in flight', async () => {
    const { guard, booked, ask, hold } = killable();
    const first = hold();
    const closing = guard.close();
    await expect(first.answer).rejects.toBeInstanceOf(ClosedError);
    await closing;
    expect(first.signal.aborted).toBe(true);
    expectSettled(guard, booked, 1);
    await expect(ask()).rejects.toBeInstanceOf(ClosedError);
    guard.resume();
    await expect(ask()).rejects.toBeInstanceOf(ClosedError);
    await guard.close();
  });

  it('charges an outer guard whose call was in flight', async () => {
    const inner = killable();
    const outer = meteredGuard();
    const { promise } = deferred<Reply>();
    const call = outer.guard.call(REQUEST, async () => ({
      value: await inner.guard.call({ ...REQUEST }, () => promise),
    }));
    const ended = expect(call).rejects.toBeInstanceOf(ClosedError);
    await inner.guard.close();
    await ended;
    expect(outer.booked[0]).toMatchObject({ usd: RESERVED_USD, estimated: true });
  });

  it('is what await using does', async () => {
    const { guard, ask } = killable();
    {
      await using scoped = guard;
      await scoped.call(REQUEST, async () => FULL);
    }
    await expect(ask()).rejects.toBeInstanceOf(ClosedError);
  });
});

describe('observe', () => {
  it('never kills for a budget', async () => {
    const { guard, onKill, ask } = killable({ budget: Budget.total(RESERVED_USD), mode: 'observe' });
    await ask();
    await ask();
    expect(onKill).not.toHaveBeenCalled();
    expect(guard.status()).toMatchObject({ killed: false });
    expect(guard.status().budgets[0]!.spent).toBe(2 * RESERVED_USD);
  });
});
