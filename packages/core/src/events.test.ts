import { afterEach, describe, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import { ConfigError } from './errors.ts';
import type { KavachEvents } from './events.ts';
import { expectSettled, meteredGuard, REQUEST, RESERVED_USD } from './testing/metered.ts';

afterEach(() => void vi.restoreAllMocks());

const FULL = { value: 'ok', usage: { inputTokens: 100, outputTokens: 50 } };

describe('listeners', () => {
  it('that throw or reject reach the log and nothing else', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { guard, booked } = meteredGuard({ onKill: () => Promise.reject(new Error('late onKill')) });
    const after = vi.fn();
    guard.on('spend', () => {
      throw new Error('bad listener');
    });
    const late = (): unknown => Promise.reject(new Error('late listener'));
    guard.on('spend', late);
    guard.on('spend', after);
    await expect(guard.call(REQUEST, async () => FULL)).resolves.toBe('ok');
    guard.kill();
    await Promise.resolve();
    await Promise.resolve();
    expect(after).toHaveBeenCalledOnce();
    expectSettled(guard, booked, 1);
    const messages = logged.mock.calls.map(([, error]) => (error as Error).message);
    expect(messages.sort()).toEqual(['bad listener', 'late listener', 'late onKill']);
    expect(logged.mock.calls[0]![0]).toContain('spend');
  });

  it('stop when they are told to', async () => {
    const { guard } = meteredGuard();
    const listener = vi.fn();
    const off = guard.on('spend', listener);
    await guard.call(REQUEST, async () => FULL);
    off();
    await guard.call(REQUEST, async () => FULL);
    expect(listener).toHaveBeenCalledOnce();
  });

  it('may add listeners, which start with the next event', () => {
    const { guard } = meteredGuard();
    const added = vi.fn();
    guard.on('spend', function add() {
      if (added.mock.calls.length < 100) guard.on('spend', () => void added());
    });
    guard.charge(0.01, 'a');
    expect(added).not.toHaveBeenCalled();
    guard.charge(0.01, 'b');
    expect(added).toHaveBeenCalledOnce();
  });

  it('may use the guard', async () => {
    const { guard, booked } = meteredGuard();
    guard.on('spend', () => guard.kill());
    await expect(guard.call(REQUEST, async () => FULL)).resolves.toBe('ok');
    expectSettled(guard, booked, 1);
    expect(guard.status().killed).toBe(true);
  });

  it('need a known event and a function', () => {
    const { guard } = meteredGuard();
    expect(() => guard.on('spent' as keyof KavachEvents, () => {})).toThrow(/'spend'/);
    expect(() => guard.on('spend', undefined as never)).toThrow(ConfigError);
  });
});

describe('the threshold event', () => {
  it('comes once for each of 70, 90 and 100 %, with the figures', async () => {
    const { guard } = meteredGuard({ agentName: 'bot', budget: Budget.total(10 * RESERVED_USD, { name: 'cap' }) });
    const seen: KavachEvents['threshold'][] = [];
    guard.on('threshold', (event) => seen.push(event));
    for (let i = 0; i < 10; i++) await guard.call(REQUEST, async () => FULL);
    expect(seen.map(({ threshold, spent }) => [threshold, spent])).toEqual([
      [0.7, 0.0014],
      [0.9, 0.0018],
      [1, 0.002],
    ]);
    const common = { agentName: 'bot', budgetId: 'cap', budgetType: 'cost', limit: 0.002 };
    expect(seen[0]).toMatchObject({ ...common, at: expect.any(Number) });
  });
});

describe('the denied event', () => {
  it('carries the refusal', async () => {
    const { guard } = meteredGuard({ budget: Budget.total(RESERVED_USD / 2) });
    const denied = vi.fn();
    guard.on('denied', denied);
    const error: unknown = await guard.call(REQUEST, async () => FULL).catch((thrown: unknown) => thrown);
    expect(denied.mock.calls[0]![0]).toMatchObject({ error, enforced: true });
    expect(denied).toHaveBeenCalledOnce();
  });
});

describe('a threshold listener that raises the limit', () => {
  it('keeps the budget open, and the agent alive', async () => {
    const onKill = vi.fn();
    const { guard } = meteredGuard({ budget: Budget.calls(2, 'total'), onKill });
    guard.on('threshold', ({ threshold, limit }) => {
      if (threshold === 1 && limit === 2) guard.setLimit('total', 4);
    });
    const ask = () => guard.call(REQUEST, async () => ({ value: 1, usage: { inputTokens: 1, outputTokens: 1 } }));
    for (let n = 0; n < 3; n++) await ask();
    expect(onKill).not.toHaveBeenCalled();
    await ask();
    expect(onKill.mock.calls).toEqual([['calls']]);
    await expect(ask()).rejects.toMatchObject({ limit: 4, spent: 4 });
  });

  it('does so also where a call has found no room; that call is refused', async () => {
    const onKill = vi.fn();
    const { guard } = meteredGuard({ budget: Budget.total(RESERVED_USD / 2), onKill });
    guard.on('threshold', ({ threshold }) => {
      if (threshold === 1) guard.setLimit('total', 1);
    });
    const ask = () => guard.call(REQUEST, async () => ({ value: 1, usage: { inputTokens: 1, outputTokens: 1 } }));
    await expect(ask()).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED' });
    await expect(ask()).resolves.toBe(1);
    expect(onKill).not.toHaveBeenCalled();
  });
});
