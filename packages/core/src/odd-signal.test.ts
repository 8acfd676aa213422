import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import { KilledError } from './errors.ts';
import { guardFixture } from './testing/index.ts';
import { ControlledStream, STREAMED } from './testing/controlled-stream.ts';
import { expectSettled, meteredGuard, REQUEST, usd } from './testing/metered.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A signal, from a polyfill say, one of whose methods throws. */
function broken(method: 'addEventListener' | 'removeEventListener'): AbortSignal {
  const { signal } = new AbortController();
  Object.defineProperty(signal, method, {
    value: () => {
      throw new TypeError(`no ${method}`);
    },
  });
  return signal;
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe('a signal that can not be listened to', () => {
  it('refuses the call, holds nothing and counts no call', async () => {
    const { guard, booked } = meteredGuard({ budget: [Budget.total(1), Budget.calls(5, 'total')] });
    let sent = false;
    const call = guard.call({ ...REQUEST, signal: broken('addEventListener') }, async () => ({ value: (sent = true) }));
    await expect(call).rejects.toThrow('no addEventListener');
    expect(sent).toBe(false);
    expectSettled(guard, booked, 0);
    expect(guard.status().run.calls).toBe(0);
  });

  it('refuses a call that would have to wait, and leaves nothing in the queue', async () => {
    const { ask, provider, guard } = guardFixture({ budget: Budget.total(1), waitMs: 5_000 });
    const first = ask({ maxOutputTokens: 800 });
    await expect(ask({ maxOutputTokens: 300, signal: broken('addEventListener') })).rejects.toThrow('no addEvent');
    const second = ask({ maxOutputTokens: 300 });
    provider.pending[0]!.answer(100, 100);
    await first;
    await settle();
    provider.pending[0]!.answer(100, 100);
    await second;
    await vi.advanceTimersByTimeAsync(10_000); // no timer of the refused call is left to throw
    expect(guard.status()).toMatchObject({ inFlight: 0, budgets: [{ spent: 0.4, reserved: 0 }] });
  });
});

describe('a signal that can not be left', () => {
  it('settles a call all the same', async () => {
    const { guard, booked } = meteredGuard();
    const usage = { inputTokens: 90, outputTokens: 6 };
    const call = guard.call({ ...REQUEST, signal: broken('removeEventListener') }, async () => ({ value: 1, usage }));
    await call.catch(() => undefined);
    expectSettled(guard, booked, 1);
    expect(booked[0]!.usd).toBe(usd(90, 6));
  });

  it('does not keep a kill from the other calls', async () => {
    const { guard, booked } = meteredGuard();
    await guard.stream({ ...STREAMED, signal: broken('removeEventListener') }, async () => new ControlledStream().as());
    const call = guard.call(REQUEST, () => new Promise<{ value: number }>(() => {}));
    guard.kill();
    await expect(call).rejects.toBeInstanceOf(KilledError);
    expectSettled(guard, booked, 2);
  });

  it('lets a waiting call go on', async () => {
    const { ask, provider, guard } = guardFixture({ budget: Budget.total(1), waitMs: 5_000 });
    const first = ask({ maxOutputTokens: 800 });
    const second = ask({ maxOutputTokens: 300, signal: broken('removeEventListener') });
    second.catch(() => undefined);
    provider.pending[0]!.answer(100, 100);
    await first;
    await settle();
    provider.pending[0]?.answer(100, 100);
    await settle();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(guard.status()).toMatchObject({ inFlight: 0, budgets: [{ spent: 0.4, reserved: 0 }] });
  });
});
