/** What runs do to each other: to those around them, to their users' budgets, and when the agent is stopped. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Budget } from '../budget/budget.ts';
import type { CallResult } from '../call.ts';
import type { KavachOptions } from '../config/options.ts';
import { BudgetExceededError, KilledError, RuntimeLimitError, ToolLimitError, VelocityLimitError } from '../errors.ts';
import type { AgentKavach } from '../kavach.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { expectSettled, meteredGuard, REQUEST, RESERVED_USD } from '../testing/metered.ts';

afterEach(() => void vi.useRealTimers());

function limited(guardrails: KavachOptions['guardrails'], options: KavachOptions = {}) {
  const onKill = vi.fn();
  const clock = new FakeClock();
  return { ...meteredGuard({ guardrails, onKill, clock, ...options }), onKill, clock };
}

/** One call that uses 10 tokens, $0.00001. */
function ask(guard: AgentKavach, result: Partial<CallResult<string>> = {}): Promise<string> {
  return guard.call(REQUEST, async () => ({ value: 'ok', usage: { inputTokens: 10, outputTokens: 0 }, ...result }));
}

describe('charge()', () => {
  it('counts in its run and those around it, and in the budgets of its user and tags', () => {
    const { guard } = limited(undefined, {
      budget: [Budget.total(1), Budget.perUser(1, 'daily'), Budget.perTag(1, 'daily', { name: 'tags' })],
    });
    const spent = (): number[] => [guard.status().run.spent, ...guard.status().budgets.map((budget) => budget.spent)];
    guard.run({ user: 'u1' }, () => {
      guard.run({ tags: ['batch'] }, () => {
        guard.charge(0.25, 'serp-api');
        expect(spent()).toEqual([0.25, 0.25, 0.25, 0.25]);
      });
      guard.charge(0.25, 'serp-api');
      guard.run({ tags: ['other'] }, () => expect(spent()).toEqual([0, 0.5, 0.5, 0]));
      expect(guard.status().run.spent).toBe(0.5);
    });
    guard.run({ user: 'u2', tags: ['batch'] }, () => expect(spent()).toEqual([0, 0.5, 0, 0.25]));
    expect(guard.status().run.spent).toBe(0);
  });

  it('may stop the user that it is charged to, and nobody else', async () => {
    const { guard, onKill } = limited(undefined, { budget: [Budget.total(1), Budget.perUser(0.1, 'daily')] });
    await guard.run({ user: 'u1' }, async () => {
      guard.charge(0.2, 'serp-api');
      await expect(ask(guard)).rejects.toMatchObject({ scope: 'user', spent: 0.2, limit: 0.1 });
    });
    await expect(guard.run({ user: 'u2' }, () => ask(guard))).resolves.toBe('ok');
    expect(onKill).not.toHaveBeenCalled();
  });
});

describe('maxUsdPerMinute', () => {
  it('counts what inner runs spend, each against its own limit too', async () => {
    const { guard, clock } = limited({ maxUsdPerMinute: 0.00003 });
    await guard.run({ runId: 'outer' }, async () => {
      await guard.run(() => ask(guard));
      await guard.run(() => ask(guard));
      await guard.run({ runId: 'third' }, () => ask(guard));
      const error: unknown = await guard.run(() => ask(guard)).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(VelocityLimitError);
      expect(error).toMatchObject({ runId: 'outer', limit: 0.00003, spent: 0.00003 });
    });
    await expect(guard.run(() => ask(guard))).resolves.toBe('ok'); // another run
    clock.advance(60_000);
  });

  it('lets calls in flight finish: they are paid for', async () => {
    const { guard, booked } = limited({ maxUsdPerMinute: 0.00001 });
    let answer: ((result: CallResult<string>) => void) | undefined;
    let signal: AbortSignal | undefined;
    const slow = guard.call(REQUEST, (grant) => {
      signal = grant.signal;
      return new Promise<CallResult<string>>((resolve) => (answer = resolve));
    });
    await ask(guard);
    await expect(ask(guard)).rejects.toBeInstanceOf(VelocityLimitError);
    expect(signal?.aborted).toBe(false);
    answer?.({ value: 'late', usage: { inputTokens: 1, outputTokens: 1 } });
    await expect(slow).resolves.toBe('late');
    expectSettled(guard, booked, 2);
  });

  it('opens by itself where nobody has asked: the minute passes', async () => {
    const { guard, clock } = limited({ maxUsdPerMinute: 0.00001 });
    await ask(guard);
    clock.advance(61_000);
    await expect(ask(guard)).resolves.toBe('ok');
  });
});

describe('maxToolCallsPerRun', () => {
  it('counts those of streams and of reserved calls', async () => {
    const { guard } = limited({ maxToolCallsPerRun: 3 });
    const stream = await guard.stream(REQUEST, async () => ({
      stream: (async function* () {
        yield 'call';
        yield 'call';
      })(),
      meter: (_chunk: string, meter) => {
        meter.toolCall();
        meter.usage({ inputTokens: 1, outputTokens: 1 });
      },
    }));
    for await (const _ of stream);
    (await guard.reserve(REQUEST)).settle({ usage: { inputTokens: 1, outputTokens: 1 }, toolCalls: 1 });
    await expect(ask(guard)).rejects.toBeInstanceOf(ToolLimitError);
  });

  it('counts those of inner runs', async () => {
    const { guard } = limited({ maxToolCallsPerRun: 3 });
    await guard.run({ runId: 'outer' }, async () => {
      for (let n = 0; n < 3; n++) await guard.run(() => ask(guard, { toolCalls: 1 }));
      await expect(guard.run(() => ask(guard))).rejects.toMatchObject({ runId: 'outer', limit: 3, used: 3 });
    });
  });

  it('counts those of an answer from a cache: the agent runs them all the same', async () => {
    const { guard } = limited({ maxToolCallsPerRun: 1 });
    await ask(guard, { cached: true, toolCalls: 1 });
    await expect(ask(guard)).rejects.toBeInstanceOf(ToolLimitError);
    expect(guard.status().run.calls).toBe(0);
  });
});

describe('the signal of a run', () => {
  it('follows the run around it: a tool that hangs ends when the time is over', async () => {
    vi.useFakeTimers();
    const { guard } = limited({ maxRuntimeSeconds: 10 });
    await guard.run(async ({ signal: outer }) => {
      await ask(guard);
      await guard.run(async ({ signal }) => {
        const tool = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
        const ended = expect(tool).rejects.toBeInstanceOf(RuntimeLimitError);
        await vi.advanceTimersByTimeAsync(10_000);
        await ended;
        expect(outer.aborted).toBe(true);
        await expect(ask(guard)).rejects.toBeInstanceOf(RuntimeLimitError);
      });
    });
  });

  it('follows the agent: a kill ends what its tools do', async () => {
    const { guard } = limited(undefined);
    await guard.run(async (run) => {
      const { signal } = run;
      guard.kill('manual', 'ops');
      expect(signal.reason).toBeInstanceOf(KilledError);
      guard.resume();
      expect(run.signal.aborted).toBe(false);
      guard.kill('cost');
      expect(run.signal.aborted).toBe(false); // a budget kill lets what is under way finish
    });
  });

  it('does not follow the run of the calls outside', async () => {
    vi.useFakeTimers();
    const { guard } = limited({ maxRuntimeSeconds: 10 });
    await ask(guard);
    await guard.run(async ({ signal }) => {
      await vi.advanceTimersByTimeAsync(10_000);
      expect(guard.signal.aborted).toBe(true);
      expect(signal.aborted).toBe(false);
    });
  });
});

describe('a limit that is raised while a run goes on', () => {
  it('lets the run go on, with what it has counted', async () => {
    const { guard, onKill } = limited({ maxCallsPerRun: 3 }, { budget: Budget.total(RESERVED_USD) });
    await guard.run(async () => {
      await ask(guard);
      await expect(ask(guard)).rejects.toBeInstanceOf(BudgetExceededError);
      guard.setLimit('total', 1);
      await ask(guard);
      expect(guard.status().run).toMatchObject({ calls: 2, spent: 0.00002, stopped: null });
      await ask(guard);
      await expect(ask(guard)).rejects.toMatchObject({ code: 'KAVACH_CALL_LIMIT', used: 3 });
    });
    expect(onKill.mock.calls).toEqual([['cost'], ['calls']]);
  });

  it('lets a call in that waits for room', async () => {
    const { guard, booked } = limited(undefined, { budget: Budget.total(RESERVED_USD) });
    await guard.run(async () => {
      let answer: ((result: CallResult<string>) => void) | undefined;
      const first = guard.call(REQUEST, () => new Promise<CallResult<string>>((resolve) => (answer = resolve)));
      const second = ask(guard);
      guard.setLimit('total', 1);
      await expect(second).resolves.toBe('ok');
      answer?.({ value: 'ok', usage: { inputTokens: 1, outputTokens: 1 } });
      await first;
    });
    expectSettled(guard, booked, 2);
  });
});
