import { afterEach, describe, expect, it, vi } from 'vitest';
import type { KavachOptions } from './config/options.ts';
import { CallLimitError, RuntimeLimitError } from './errors.ts';
import type { AgentKavach } from './kavach.ts';
import { expectSettled, meteredGuard, REQUEST } from './testing/metered.ts';

afterEach(() => void vi.useRealTimers());

const limited = (guardrails: KavachOptions['guardrails']) => meteredGuard({ guardrails });

/** One call that uses 10 tokens. */
const ask = (guard: AgentKavach): Promise<number> =>
  guard.call(REQUEST, async () => ({ value: 1, usage: { inputTokens: 10, outputTokens: 0 } }));
const never = (guard: AgentKavach): Promise<number> => guard.call(REQUEST, () => new Promise(() => {}));

describe('resume()', () => {
  it.each([
    ['maxCallsPerRun', { maxCallsPerRun: 2 }],
    ['maxTokensPerRun', { maxTokensPerRun: 20 }],
    ['maxUsdPerMinute', { maxUsdPerMinute: 0.00002 }],
  ])('lets a run that %s stopped go on, counting anew', async (_, guardrails) => {
    const { guard } = limited(guardrails);
    await guard.run(async () => {
      for (let round = 0; round < 3; round++) {
        await ask(guard);
        await ask(guard);
        await expect(ask(guard)).rejects.toMatchObject({ limit: expect.any(Number) as number });
        expect(guard.status().run).toMatchObject({ calls: 2, tokens: 20, stopped: expect.any(String) as string });
        guard.resume();
        expect(guard.status().run).toMatchObject({ calls: 0, tokens: 0, spent: 0, stopped: null });
      }
    });
  });

  it('lets inner runs go on whose outer one was stopped', async () => {
    const { guard } = limited({ maxCallsPerRun: 2 });
    await guard.run(async () => {
      await ask(guard);
      await guard.run(async () => {
        await ask(guard);
        await expect(ask(guard)).rejects.toBeInstanceOf(CallLimitError);
        guard.resume();
        await ask(guard);
      });
    });
  });

  it('gives a run that ran out of time a fresh signal and new time', async () => {
    vi.useFakeTimers();
    const { guard } = limited({ maxRuntimeSeconds: 10 });
    await guard.run(async (run) => {
      const first = run.signal;
      const late = expect(never(guard)).rejects.toBeInstanceOf(RuntimeLimitError);
      await vi.advanceTimersByTimeAsync(10_000);
      await late;
      expect(first.aborted).toBe(true);
      guard.resume();
      expect(run.signal.aborted).toBe(false);
      const again = expect(never(guard)).rejects.toBeInstanceOf(RuntimeLimitError);
      await vi.advanceTimersByTimeAsync(10_000);
      await again;
      expect(run.signal.aborted).toBe(true);
    });
  });

  it('gives the guard a fresh signal each time', () => {
    const { guard } = limited({});
    const seen = new Set<AbortSignal>();
    for (let i = 0; i < 3; i++) {
      seen.add(guard.signal);
      guard.kill();
      expect(guard.signal.aborted).toBe(true);
      guard.resume();
      expect(guard.signal.aborted).toBe(false);
    }
    guard.kill('cost'); // aborts nothing
    guard.resume();
    seen.add(guard.signal);
    expect(seen.size).toBe(4);
  });

  it('gives it one also where a guardrail, not a kill, aborted it', async () => {
    vi.useFakeTimers();
    const { guard } = limited({ maxRuntimeSeconds: 10 });
    const late = expect(never(guard)).rejects.toBeInstanceOf(RuntimeLimitError);
    await vi.advanceTimersByTimeAsync(10_000);
    await late;
    expect(guard.signal.aborted).toBe(true);
    guard.resume();
    expect(guard.signal.aborted).toBe(false);
  });
});

describe('a run whose function returns no promise', () => {
  it('is still stopped by maxRuntimeSeconds', async () => {
    vi.useFakeTimers();
    const { guard, booked } = limited({ maxRuntimeSeconds: 10 });
    let call: Promise<number> | undefined;
    expect(guard.run(() => ((call = never(guard)), 'started'))).toBe('started');
    const late = expect(call).rejects.toBeInstanceOf(RuntimeLimitError);
    await vi.advanceTimersByTimeAsync(10_000);
    await late;
    expectSettled(guard, booked, 1);
  });

  it('leaves no timer where it made no call', () => {
    vi.useFakeTimers();
    const { guard } = limited({ maxRuntimeSeconds: 10 });
    guard.run(() => 5);
    expect(vi.getTimerCount()).toBe(0);
  });
});
