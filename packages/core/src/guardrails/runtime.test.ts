import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CallResult } from '../call.ts';
import type { KavachOptions } from '../config/options.ts';
import { RuntimeLimitError } from '../errors.ts';
import type { AgentKavach } from '../kavach.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { expectSettled, meteredGuard, REQUEST } from '../testing/metered.ts';

afterEach(() => void vi.useRealTimers());

function limited(guardrails: KavachOptions['guardrails'], options: KavachOptions = {}) {
  const onKill = vi.fn();
  const { guard, booked } = meteredGuard({ guardrails, onKill, ...options });
  return { guard, booked, onKill };
}

/** One call that uses 10 tokens, $0.00001. */
async function ask(guard: AgentKavach, result: Partial<CallResult<string>> = {}): Promise<string> {
  return guard.call(REQUEST, async () => ({ value: 'ok', usage: { inputTokens: 10, outputTokens: 0 }, ...result }));
}

const never = (): Promise<CallResult<string>> => new Promise(() => {});

/** Leaves the runs around the caller. */
const outside = AsyncLocalStorage.snapshot() as <T>(fn: () => T) => T;

describe('maxRuntimeSeconds', () => {
  it('aborts what is in flight when the time is over', async () => {
    vi.useFakeTimers();
    const { guard, booked, onKill } = limited({ maxRuntimeSeconds: 10 });
    await ask(guard);
    await vi.advanceTimersByTimeAsync(4_000);
    let signal: AbortSignal | undefined;
    const call = guard.call(REQUEST, (grant) => {
      signal = grant.signal;
      return new Promise<CallResult<string>>(() => {});
    });
    const agentSignal = guard.signal;
    const ended = expect(call).rejects.toMatchObject({ code: 'KAVACH_RUNTIME_LIMIT', limit: 10, elapsed: 10 });
    await vi.advanceTimersByTimeAsync(5_999);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await ended;
    expect(signal?.aborted).toBe(true);
    expect(agentSignal.aborted).toBe(true);
    expectSettled(guard, booked, 2);
    await expect(ask(guard)).rejects.toBeInstanceOf(RuntimeLimitError);
    expect(onKill.mock.calls).toEqual([['duration']]);
  });

  it('goes by the monotonic clock for new calls', async () => {
    const clock = new FakeClock();
    const { guard, onKill } = limited({ maxRuntimeSeconds: 10 }, { clock });
    clock.advance(1e6); // before the first call no time counts
    await ask(guard);
    clock.advance(9_999);
    clock.set(clock.now() + 1e9);
    await ask(guard);
    clock.advance(1);
    await expect(ask(guard)).rejects.toMatchObject({ elapsed: 10 });
    expect(onKill.mock.calls).toEqual([['duration']]);
  });

  it('refuses calls of the run that wait for room which another run holds', async () => {
    vi.useFakeTimers();
    const { guard } = limited({ maxRuntimeSeconds: 5 });
    guard.setLimit('total', 0.0003); // room for one
    await guard.run(async () => {
      await ask(guard);
      await vi.advanceTimersByTimeAsync(1_000);
      outside(() => guard.run(() => guard.call(REQUEST, never))).catch(() => undefined);
      const waiting = expect(guard.call(REQUEST, never)).rejects.toBeInstanceOf(RuntimeLimitError);
      await vi.advanceTimersByTimeAsync(4_001);
      await waiting;
      expect(guard.status().inFlight).toBe(1);
    });
    await guard.close();
  });

  it('may be longer than a timer can wait', async () => {
    vi.useFakeTimers();
    const days = 24 * 3_600;
    const { guard, onKill } = limited({ maxRuntimeSeconds: 60 * days });
    await ask(guard);
    await vi.advanceTimersByTimeAsync(59 * days * 1_000);
    expect(onKill).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2 * days * 1_000);
    expect(onKill).toHaveBeenCalledOnce();
  });

  it('ends its timer with the run', async () => {
    vi.useFakeTimers();
    const { guard, onKill } = limited({ maxRuntimeSeconds: 5 });
    await guard.run(() => ask(guard));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(onKill).not.toHaveBeenCalled();
  });

  it('aborts the inner runs too, and no other run', async () => {
    vi.useFakeTimers();
    const { guard } = limited({ maxRuntimeSeconds: 5 });
    const failed = vi.fn();
    await guard.run(async ({ signal }) => {
      await ask(guard);
      await vi.advanceTimersByTimeAsync(3_000);
      outside(() => guard.run(() => guard.call(REQUEST, never))).catch(failed);
      const ended = expect(guard.run(() => guard.call(REQUEST, never))).rejects.toBeInstanceOf(RuntimeLimitError);
      await vi.advanceTimersByTimeAsync(2_001);
      await ended;
      expect(signal.aborted).toBe(true);
    });
    expect(failed).not.toHaveBeenCalled();
    expect(guard.signal.aborted).toBe(false);
    await guard.close();
  });

  it('aborts nothing under observe', async () => {
    vi.useFakeTimers();
    const { guard, onKill } = limited({ maxRuntimeSeconds: 5 }, { mode: 'observe' });
    let signal: AbortSignal | undefined;
    void guard.call(REQUEST, (grant) => {
      signal = grant.signal;
      return new Promise<CallResult<string>>(() => {});
    });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(signal?.aborted).toBe(false);
    expect(guard.signal.aborted).toBe(false);
    expect(onKill).not.toHaveBeenCalled();
  });
});
