import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CallTimeoutError, StreamIdleError } from './errors.ts';
import { openStream, seenUsd, WHOLE_USD } from './testing/controlled-stream.ts';
import { expectSettled, meteredGuard, REQUEST, usd } from './testing/metered.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const FINAL = { inputTokens: 90, outputTokens: 6 };

describe('a stream that nobody reads', () => {
  it('is settled whole after idleMs, cancelled, and its next read says why', async () => {
    const { guard, booked, provider, reader, signal } = await openStream({ idleMs: 8_000 });
    await vi.advanceTimersByTimeAsync(7_900);
    expect(booked).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(2_200);
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: WHOLE_USD, estimated: true, outcome: 'unknown' });
    expect(provider.cancelled).toHaveLength(1);
    expect(signal.aborted).toBe(true);
    await expect(reader().read()).rejects.toBeInstanceOf(StreamIdleError);
  });

  it('is given up by default after 30 seconds', async () => {
    const { booked } = await openStream();
    await vi.advanceTimersByTimeAsync(29_900);
    expect(booked).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(8_000);
    expect(booked).toHaveLength(1);
  });

  it('is given up also when its reading stopped half-way', async () => {
    const { guard, booked, provider, reader } = await openStream({ idleMs: 8_000 });
    provider.push({ text: 'a' }).push({ text: 'b' });
    const read = reader();
    await read.read();
    await vi.advanceTimersByTimeAsync(6_000);
    await read.read(); // a read starts the time anew
    await vi.advanceTimersByTimeAsync(7_900);
    expect(booked).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(2_200);
    expectSettled(guard, booked, 1);
    expect(booked[0]!.usd).toBe(WHOLE_USD);
  });

  it('is charged exactly when its usage was read, only its end was not', async () => {
    const { guard, booked, provider, reader } = await openStream({ idleMs: 8_000 });
    provider.push({ usage: FINAL });
    await reader().read();
    await vi.advanceTimersByTimeAsync(11_000);
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: usd(90, 6), estimated: false });
  });

  it("is charged what was seen under onUnknownUsage: 'seen'", async () => {
    const { booked, provider, reader } = await openStream({ idleMs: 8_000, onUnknownUsage: 'seen' });
    provider.push({ text: 'abc' });
    await reader().read();
    await vi.advanceTimersByTimeAsync(11_000);
    expect(booked[0]!.usd).toBe(seenUsd(3));
  });
});

describe('a stream that is read', () => {
  it('is not idle while its provider is slow', async () => {
    const { guard, booked, provider, reader } = await openStream({ idleMs: 8_000, maxCallSeconds: 600 });
    const pending = reader().read();
    await vi.advanceTimersByTimeAsync(300_000);
    expect(booked).toHaveLength(0);
    provider.push({ text: 'late' });
    expect((await pending).value?.text).toBe('late');
    await guard.close();
    expectSettled(guard, booked, 1);
  });

  it('is ended by maxCallSeconds, also while its provider is silent', async () => {
    const { guard, booked, provider, reader } = await openStream({ maxCallSeconds: 60 });
    provider.push({ text: 'abc' });
    const read = reader();
    await read.read();
    const ended = expect(read.read()).rejects.toBeInstanceOf(CallTimeoutError);
    await vi.advanceTimersByTimeAsync(59_500);
    expect(booked).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(2_000);
    await ended;
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: seenUsd(3), outcome: 'cancelled' });
    expect(provider.cancelled).toHaveLength(1);
  });

  it('is measured by the clock that was passed in', async () => {
    let monotonic = 0;
    const clock = { now: () => 0, monotonic: () => monotonic };
    const { booked } = await openStream({ maxCallSeconds: 60, idleMs: 80_000_000, clock });
    await vi.advanceTimersByTimeAsync(100_000);
    expect(booked).toHaveLength(0);
    monotonic = 60_000;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(booked).toHaveLength(1);
  });
});

describe('the timer', () => {
  it('runs only while calls are in flight', async () => {
    const { guard } = meteredGuard();
    expect(vi.getTimerCount()).toBe(0);
    await guard.call(REQUEST, async () => ({ value: 1 }));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(vi.getTimerCount()).toBe(0);
    const { stream } = await openStream();
    await vi.advanceTimersByTimeAsync(1_500);
    expect(vi.getTimerCount()).toBe(1);
    await stream.cancel();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('observe', () => {
  it('settles an idle stream but leaves it open, and lets calls take their time', async () => {
    const { guard, booked, provider, reader, signal } = await openStream({
      mode: 'observe',
      idleMs: 8_000,
      maxCallSeconds: 60,
    });
    provider.push({ text: 'abc' }).end();
    await vi.advanceTimersByTimeAsync(20_000);
    expectSettled(guard, booked, 1);
    expect(signal.aborted).toBe(false);
    const read = reader();
    expect((await read.read()).value?.text).toBe('abc');
    expect((await read.read()).done).toBe(true);
    expectSettled(guard, booked, 1);

    let slow: AbortSignal | undefined;
    void guard.call(REQUEST, (grant) => {
      slow = grant.signal;
      return new Promise<{ value: number }>(() => {});
    });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(slow?.aborted).toBe(false);
  });
});
