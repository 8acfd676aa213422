import { describe, expect, it, vi } from 'vitest';
import type { CallResult } from '../call.ts';
import type { KavachOptions } from '../config/options.ts';
import { CallLimitError, GuardrailError, TokenLimitError, ToolLimitError, VelocityLimitError } from '../errors.ts';
import type { AgentKavach } from '../kavach.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { meteredGuard, REQUEST } from '../testing/metered.ts';

function limited(guardrails: KavachOptions['guardrails'], options: KavachOptions = {}) {
  const onKill = vi.fn();
  const { guard, booked } = meteredGuard({ guardrails, onKill, ...options });
  return { guard, booked, onKill };
}

/** One call that uses 10 tokens, $0.00001. */
async function ask(guard: AgentKavach, result: Partial<CallResult<string>> = {}): Promise<string> {
  return guard.call(REQUEST, async () => ({ value: 'ok', usage: { inputTokens: 10, outputTokens: 0 }, ...result }));
}

describe('maxCallsPerRun', () => {
  it('counts every request, retries included, and refuses the next', async () => {
    const { guard, onKill } = limited({ maxCallsPerRun: 3 });
    const overloaded = (): Promise<never> => Promise.reject(Object.assign(new Error('busy'), { status: 529 }));
    await expect(guard.call(REQUEST, overloaded)).rejects.toThrow('busy');
    await expect(guard.call(REQUEST, overloaded)).rejects.toThrow('busy');
    await ask(guard);
    const execute = vi.fn();
    const error: unknown = await guard.call(REQUEST, execute).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CallLimitError);
    expect(error).toMatchObject({ limit: 3, used: 3, code: 'KAVACH_CALL_LIMIT', runId: guard.status().run.id });
    expect(execute).not.toHaveBeenCalled();
    await expect(ask(guard)).rejects.toBeInstanceOf(CallLimitError);
    expect(onKill.mock.calls).toEqual([['calls']]);
    expect(guard.status()).toMatchObject({
      killed: true,
      kill: { reason: 'calls' },
      run: { stopped: 'calls', calls: 3 },
    });
  });

  it('does not count what was never sent or came from a cache', async () => {
    const { guard } = limited({ maxCallsPerRun: 1 });
    await ask(guard, { cached: true });
    await expect(
      guard.call(REQUEST, () => Promise.reject(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))),
    ).rejects.toThrow('x');
    await expect(ask(guard)).resolves.toBe('ok');
    await expect(ask(guard)).rejects.toBeInstanceOf(CallLimitError);
  });

  it('holds for calls at once', async () => {
    const { guard } = limited({ maxCallsPerRun: 3 });
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => ask(guard)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  });
});

describe('maxTokensPerRun', () => {
  it('lowers the output cap to what is left and refuses once it is used', async () => {
    const { guard, onKill } = limited({ maxTokensPerRun: 30 });
    const caps: (number | undefined)[] = [];
    const clamped = (outputTokens: number): Promise<string> =>
      guard.call({ ...REQUEST, canClampOutput: true }, async ({ maxOutputTokens }) => {
        caps.push(maxOutputTokens);
        return { value: 'ok', usage: { inputTokens: 5, outputTokens } };
      });
    await clamped(5);
    await clamped(5);
    await clamped(5);
    expect(caps).toEqual([30, 20, 10]);
    const error: unknown = await ask(guard).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TokenLimitError);
    expect(error).toMatchObject({ limit: 30, used: 30 });
    expect(onKill.mock.calls).toEqual([['tokens']]);
  });

  it('lets one call go over what is left, where its cap can not be lowered', async () => {
    const { guard } = limited({ maxTokensPerRun: 15 });
    await ask(guard);
    await ask(guard);
    await expect(ask(guard)).rejects.toMatchObject({ used: 20 });
  });
});

describe('maxToolCallsPerRun', () => {
  it('refuses the model call after the one that reached it, with the reason tools', async () => {
    const { guard, onKill } = limited({ maxToolCallsPerRun: 3 });
    await ask(guard, { toolCalls: 2 });
    await ask(guard, { toolCalls: 2 });
    const error: unknown = await ask(guard).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ToolLimitError);
    expect(error).toMatchObject({ limit: 3, used: 4 });
    expect(onKill.mock.calls).toEqual([['tools']]);
  });
});

describe('maxUsdPerMinute', () => {
  it('refuses once so much was spent within a minute, in dollars', async () => {
    const clock = new FakeClock();
    const { guard, onKill } = limited({ maxUsdPerMinute: 0.00002 }, { clock });
    await ask(guard);
    clock.advance(61_000);
    await ask(guard); // the first is a minute old
    await ask(guard);
    const error: unknown = await ask(guard).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(VelocityLimitError);
    expect(error).toMatchObject({ limit: 0.00002, spent: 0.00002 });
    expect(onKill.mock.calls).toEqual([['velocity']]);
    clock.advance(120_000);
    await expect(ask(guard)).rejects.toBeInstanceOf(VelocityLimitError); // a stop holds until someone resumes
    guard.resume();
    await expect(ask(guard)).resolves.toBe('ok');
  });

  it('counts charges outside calls', async () => {
    const { guard } = limited({ maxUsdPerMinute: 0.01 });
    guard.charge(0.01, 'serp-api');
    await expect(ask(guard)).rejects.toBeInstanceOf(VelocityLimitError);
  });
});

describe('runs', () => {
  it('are independent of each other and of the default run', async () => {
    const { guard, onKill } = limited({ maxCallsPerRun: 1 });
    await guard.run(() => ask(guard));
    await guard.run(async ({ signal }) => {
      await ask(guard);
      await expect(ask(guard)).rejects.toBeInstanceOf(CallLimitError);
      expect(signal.aborted).toBe(false);
    });
    expect(guard.status()).toMatchObject({ killed: false, run: { calls: 0 } });
    await ask(guard);
    expect(onKill.mock.calls).toEqual([['calls']]);
  });

  it('at once do not mix', async () => {
    const { guard } = limited({ maxCallsPerRun: 2 });
    const twice = async (): Promise<number> => {
      await ask(guard);
      await ask(guard);
      return guard.status().run.calls;
    };
    await expect(Promise.all([guard.run(twice), guard.run(twice), guard.run(twice)])).resolves.toEqual([2, 2, 2]);
  });

  it('charge the runs around them, and a limit of the outer one stops the inner', async () => {
    const { guard, onKill } = limited({ maxCallsPerRun: 3 });
    await guard.run({ runId: 'outer' }, async () => {
      await ask(guard);
      await guard.run({ runId: 'a' }, () => ask(guard));
      await guard.run({ runId: 'b' }, async () => {
        await ask(guard, { toolCalls: 2 });
        expect(guard.status().run).toMatchObject({ id: 'b', calls: 1, toolCalls: 2 });
        const error: unknown = await ask(guard).catch((thrown: unknown) => thrown);
        expect(GuardrailError.isInstance(error) && error.runId).toBe('outer');
      });
      expect(guard.status().run).toMatchObject({ id: 'outer', calls: 3, tokens: 30, toolCalls: 2, spent: 0.00003 });
    });
    expect(onKill.mock.calls).toEqual([['calls']]);
  });

  it('start anew for the default run when the guard is resumed', async () => {
    const { guard, onKill } = limited({ maxCallsPerRun: 1 });
    const before = guard.status().run.id;
    await ask(guard);
    await expect(ask(guard)).rejects.toBeInstanceOf(CallLimitError);
    guard.resume();
    expect(guard.status()).toMatchObject({ killed: false, run: { calls: 0, spent: 0, stopped: null } });
    expect(guard.status().run.id).not.toBe(before);
    await ask(guard);
    await expect(ask(guard)).rejects.toBeInstanceOf(CallLimitError);
    expect(onKill.mock.calls).toEqual([['calls'], ['calls']]);
  });
});

describe('observe', () => {
  it('reports what it would have refused and lets everything through', async () => {
    const { guard, onKill } = limited({ maxCallsPerRun: 1 }, { mode: 'observe' });
    const denied = vi.fn();
    guard.on('denied', denied);
    await ask(guard);
    await ask(guard);
    expect(denied.mock.calls).toMatchObject([[{ enforced: false, error: { code: 'KAVACH_CALL_LIMIT' } }]]);
    expect(onKill).not.toHaveBeenCalled();
    expect(guard.status()).toMatchObject({ killed: false, run: { calls: 2, stopped: null } });
  });

  it('counts from zero after resume(), also where a call that was in flight turns out not to have been sent', async () => {
    const { guard } = limited({ maxCallsPerRun: 1 });
    await guard.run(async () => {
      let fail = (_error: Error): void => undefined;
      const call = guard.call(REQUEST, () => new Promise<never>((_resolve, reject) => (fail = reject)));
      await expect(ask(guard)).rejects.toBeInstanceOf(CallLimitError);
      guard.resume();
      fail(Object.assign(new Error('nobody there'), { code: 'ECONNREFUSED' }));
      await expect(call).rejects.toThrow('nobody there');
      await ask(guard);
      await expect(ask(guard)).rejects.toBeInstanceOf(CallLimitError);
    });
  });
});
