import { afterEach, describe, expect, it, vi } from 'vitest';
import { BudgetExceededError, CallTimeoutError, KilledError, StreamIdleError } from './errors.ts';
import { Budget } from './budget/budget.ts';
import { expectSettled, meteredGuard, REQUEST, RESERVED_USD, usd } from './testing/metered.ts';

afterEach(() => void vi.useRealTimers());

describe('a reserved call', () => {
  it('holds its worst case before the first await', () => {
    const { guard } = meteredGuard();
    void guard.reserve(REQUEST);
    expect(guard.status().budgets[0]?.reserved).toBe(RESERVED_USD);
  });

  it('is charged its exact price, once, whatever is told later', async () => {
    const { guard, booked } = meteredGuard();
    const call = await guard.reserve(REQUEST);
    call.settle({ usage: { inputTokens: 40, outputTokens: 10 }, toolCalls: 2 });
    call.settle({ usage: { inputTokens: 90, outputTokens: 90 } });
    call.fail(new Error('late'));
    call.cancel();
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: usd(40, 10), estimated: false, outcome: 'completed' });
    expect(guard.status().run.toolCalls).toBe(2);
  });

  it('is charged its reservation where the answer has no usage', async () => {
    const { guard, booked } = meteredGuard();
    (await guard.reserve(REQUEST)).settle();
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: RESERVED_USD, estimated: true });
  });

  it('is released by an error status, and charged by any other failure', async () => {
    const { guard, booked } = meteredGuard();
    (await guard.reserve(REQUEST)).fail(Object.assign(new Error('busy'), { status: 503 }));
    (await guard.reserve(REQUEST)).fail(new Error('socket hang up'));
    expectSettled(guard, booked, 2);
    expect(booked.map(({ usd: amount, outcome }) => [amount, outcome])).toEqual([
      [0, 'released'],
      [RESERVED_USD, 'unknown'],
    ]);
  });

  it('is refused without room, and nothing is held', async () => {
    const { guard } = meteredGuard({ budget: Budget.calls(1, 'total'), waitMs: 0 });
    await guard.reserve(REQUEST);
    await expect(guard.reserve(REQUEST)).rejects.toBeInstanceOf(BudgetExceededError);
    expect(guard.status().budgets[0]?.reserved).toBe(1);
  });

  it('is charged whole by a kill in mid-stream where the provider goes on, and as seen where its holder cancels', async () => {
    const { guard, booked } = meteredGuard({ cancelMarginTokens: 0 });
    const stream = async () => {
      const call = await guard.reserve({ ...REQUEST, unstoppable: true });
      call.meter.output('ab');
      return call;
    };
    (await stream()).cancel();
    await stream();
    guard.kill();
    expectSettled(guard, booked, 2);
    expect(booked[0]?.usd).toBeLessThan(RESERVED_USD);
    expect(booked[1]).toMatchObject({ usd: RESERVED_USD, estimated: true });
  });

  it('is aborted and charged by a kill, of which its holder is told', async () => {
    const { guard, booked } = meteredGuard();
    const told: Error[] = [];
    const call = await guard.reserve(REQUEST, (error) => void told.push(error));
    guard.kill();
    expect(call.signal.reason).toBeInstanceOf(KilledError);
    expect(told).toEqual([call.signal.reason]);
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: RESERVED_USD, outcome: 'cancelled' });
  });

  it('that nobody ends is charged after maxCallSeconds', async () => {
    vi.useFakeTimers();
    const { guard, booked } = meteredGuard({ maxCallSeconds: 2 });
    const call = await guard.reserve(REQUEST);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(call.signal.reason).toBeInstanceOf(CallTimeoutError);
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: RESERVED_USD, estimated: true });
  });
});

describe('a reserved call that streams', () => {
  it('is charged its input bound and what was seen where it ends without usage', async () => {
    const { guard, booked } = meteredGuard();
    const call = await guard.reserve(REQUEST);
    call.meter.output('ten bytes.');
    call.settle();
    await guard.flush();
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: usd(100, 10), estimated: true, outcome: 'completed' });
  });

  it('is charged a margin more when it is cancelled promptly', async () => {
    const { guard, booked } = meteredGuard({ cancelMarginTokens: 20 });
    const call = await guard.reserve(REQUEST);
    call.meter.output('ten bytes.');
    call.cancel();
    await guard.flush();
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: usd(100, 30), estimated: true, outcome: 'cancelled' });
    expect(call.signal.aborted).toBe(true);
  });

  it('that brings no chunk for idleMs is charged its reservation and aborted', async () => {
    vi.useFakeTimers();
    const { guard, booked } = meteredGuard({ idleMs: 1_000 });
    const call = await guard.reserve(REQUEST);
    call.meter.output('ten bytes.');
    await vi.advanceTimersByTimeAsync(800);
    call.meter.output('ten more. ');
    await vi.advanceTimersByTimeAsync(900);
    expect(call.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(500);
    expect(call.signal.reason).toBeInstanceOf(StreamIdleError);
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: RESERVED_USD, estimated: true });
  });
});

describe('a reserved call inside a call of the same guard', () => {
  it('is part of it', async () => {
    const { guard, booked } = meteredGuard({ budget: Budget.calls(1, 'total') });
    const identity = {};
    await guard.call({ ...REQUEST, identity }, async () => {
      const inner = await guard.reserve({ ...REQUEST, identity });
      inner.settle({ usage: { inputTokens: 40, outputTokens: 10 } });
      return { value: 1 };
    });
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: usd(40, 10), estimated: false });
  });
});
