import { afterEach, describe, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import type { CallGrant, CallResult, Usage } from './call.ts';
import { BudgetExceededError, CallTimeoutError, KilledError } from './errors.ts';
import { deferred } from './testing/deferred.ts';
import { expectSettled, meteredGuard, REQUEST, RESERVED_USD, usd } from './testing/metered.ts';

afterEach(() => void vi.useRealTimers());

type Reply = CallResult<string>;

async function settled(usage: unknown, extra: Partial<Reply> = {}) {
  const { guard, booked } = meteredGuard();
  const value = await guard.call(REQUEST, async () => ({ value: 'hi', usage: usage as Usage, ...extra }));
  expect(value).toBe('hi');
  expectSettled(guard, booked, 1);
  return { event: booked[0]!, run: guard.status().run };
}

describe('a call whose usage is reported', () => {
  it('is charged its exact price', async () => {
    const { event, run } = await settled({ inputTokens: 40, outputTokens: 10 });
    expect(event).toMatchObject({ usd: usd(40, 10), estimated: false, outcome: 'completed', provider: 'test' });
    expect(run).toMatchObject({ calls: 1, tokens: 50, spent: usd(40, 10) });
  });

  it('counts a reported 0 as free', async () => {
    const { event } = await settled({ inputTokens: 0, outputTokens: 0 });
    expect(event).toMatchObject({ usd: 0, estimated: false });
  });

  it('is priced by the model that answered', async () => {
    const { guard, booked } = meteredGuard();
    await guard.call({ ...REQUEST, provider: 'openai', model: 'gpt-4o' }, async () => ({
      value: 1,
      model: 'gpt-4o-mini',
      usage: { inputTokens: 100, outputTokens: 10 },
    }));
    expect(booked[0]).toMatchObject({ model: 'gpt-4o-mini', usd: 0.000021, estimated: false });
  });

  it.each([
    ['flex', 0.0001125],
    ['default', 0.000225],
    ['priority', 0.00045],
  ])('is priced by the service tier that answered: %s', async (serviceTier, expected) => {
    const { guard, booked } = meteredGuard();
    const request = { ...REQUEST, provider: 'openai', model: 'gpt-5', serviceTier: 'auto' };
    const usage = { inputTokens: 100, outputTokens: 10, serviceTier };
    await guard.call(request, async () => ({ value: 1, usage }));
    expect(booked[0]).toMatchObject({ usd: expected, estimated: false });
  });

  it('counts the tool calls that the model asked for', async () => {
    const { run } = await settled({ inputTokens: 1, outputTokens: 1 }, { toolCalls: 3 });
    expect(run.toolCalls).toBe(3);
  });

  it.each([Number.NaN, -1, '7', null])('ignores a tool count that is none: %s', async (toolCalls) => {
    const { run } = await settled({ inputTokens: 1, outputTokens: 1 }, { toolCalls: toolCalls as number });
    expect(run.toolCalls).toBe(0);
  });
});

describe('a call whose usage is incomplete', () => {
  it.each([
    ['none', undefined],
    ['null', null],
    ['empty', {}],
    ['NaN', { inputTokens: Number.NaN, outputTokens: Number.NaN }],
    ['negative', { inputTokens: -5, outputTokens: -1 }],
    ['text', { inputTokens: '40', outputTokens: '10' }],
    ['infinite', { inputTokens: Number.POSITIVE_INFINITY, outputTokens: Number.POSITIVE_INFINITY }],
    ['only parts of the whole', { cacheReadTokens: 3, reasoningTokens: 2 }],
    ['no object', 'none'],
    ['parts that are none', { parts: [null] }],
  ])('is charged the whole reservation: %s', async (_, usage) => {
    const { event, run } = await settled(usage);
    expect(event).toMatchObject({ usd: RESERVED_USD, estimated: true, outcome: 'unknown' });
    expect(run).toMatchObject({ calls: 1, tokens: 150 });
  });

  it('is charged the input bound where only the output was reported', async () => {
    const { event } = await settled({ outputTokens: 10 });
    expect(event).toMatchObject({ usd: usd(100, 10), estimated: true });
  });

  it('is charged the output cap where only the input was reported', async () => {
    const { event } = await settled({ inputTokens: 40, outputTokens: Number.NaN });
    expect(event).toMatchObject({ usd: usd(40, 50), estimated: true });
  });

  it('takes unknown input at its dearest: it may all have been written to the cache', async () => {
    const { guard, booked } = meteredGuard({
      prices: { round: { inputPerMillion: 1, outputPerMillion: 2, cacheWritePerMillion: 5 } },
    });
    await guard.call(REQUEST, async () => ({ value: 1, usage: { outputTokens: 50 } }));
    expect(booked[0]).toMatchObject({ usd: 0.0006, estimated: true });
  });

  it.each([
    ['a tier that is no text', { inputTokens: 1, outputTokens: 1, serviceTier: 5 }, {}],
    ['a model that is no text', { inputTokens: 1, outputTokens: 1 }, { model: 5 }],
    ['a model that is null', { inputTokens: 1, outputTokens: 1 }, { model: null }],
    ['parts that are none', { inputTokens: 1, outputTokens: 1, parts: [null] }, {}],
  ])('ends its reservation and returns the answer despite %s', async (_, usage, extra) => {
    const { guard, booked } = meteredGuard();
    const reply = { value: 'hi', usage, ...extra } as unknown as Reply;
    await expect(guard.call({ ...REQUEST, provider: 'openai', model: 'gpt-4o' }, async () => reply)).resolves.toBe(
      'hi',
    );
    expectSettled(guard, booked, 1);
    expect(booked[0]!.usd).toBeGreaterThan(0);
  });

  it.each([
    ['nothing', async () => undefined],
    ['null', async () => null],
    ['nothing, without a promise', () => undefined],
  ])('is charged whole when the callback returns %s', async (_, callback) => {
    const { guard, booked } = meteredGuard();
    await expect(guard.call(REQUEST, callback as unknown as () => Promise<Reply>)).resolves.toBeUndefined();
    expect(booked[0]).toMatchObject({ usd: RESERVED_USD, estimated: true });
    expectSettled(guard, booked, 1);
  });
});

describe('a call that a cache answered', () => {
  it('costs nothing and is no call', async () => {
    const { event, run } = await settled({ inputTokens: 40, outputTokens: 10 }, { cached: true });
    expect(event).toMatchObject({ usd: 0, outcome: 'released', estimated: false });
    expect(run).toMatchObject({ calls: 0, tokens: 0, spent: 0 });
  });
});

describe('a call that its caller aborts', () => {
  it('is not sent when the signal is aborted before', async () => {
    const { guard, booked } = meteredGuard();
    const execute = vi.fn<(grant: CallGrant) => Promise<Reply>>();
    const reason = new Error('user left');
    await expect(guard.call({ ...REQUEST, signal: AbortSignal.abort(reason) }, execute)).rejects.toBe(reason);
    expect(execute).not.toHaveBeenCalled();
    expectSettled(guard, booked, 0);
    expect(guard.status().run.calls).toBe(0);
  });

  it('is charged the whole reservation when the signal aborts during it', async () => {
    const { guard, booked } = meteredGuard();
    const user = new AbortController();
    const call = guard.call({ ...REQUEST, signal: user.signal }, ({ signal }) => {
      const { promise, reject } = deferred<Reply>();
      signal.addEventListener('abort', () => reject(signal.reason));
      return promise;
    });
    user.abort();
    await expect(call).rejects.toBe(user.signal.reason);
    expect(booked[0]).toMatchObject({ usd: RESERVED_USD, outcome: 'cancelled', estimated: true });
    expectSettled(guard, booked, 1);
  });

  it('gives the callback an aborted signal also when it asks for it late', async () => {
    const { guard } = meteredGuard();
    const user = new AbortController();
    await guard.call({ ...REQUEST, signal: user.signal }, async (grant) => {
      user.abort();
      expect(grant.signal.aborted).toBe(true);
      return { value: 1, usage: { inputTokens: 1, outputTokens: 1 } };
    });
  });
});

describe('a call that is stopped', () => {
  it('ends at once, also when the callback does not heed its signal, and settles once', async () => {
    const { guard, booked } = meteredGuard();
    const { promise, resolve } = deferred<Reply>();
    let signal: AbortSignal | undefined;
    const call = guard.call(REQUEST, (grant) => {
      signal = grant.signal;
      return promise;
    });
    guard.kill();
    await expect(call).rejects.toBeInstanceOf(KilledError);
    expect(signal?.aborted).toBe(true);
    resolve({ value: 'late', usage: { inputTokens: 1, outputTokens: 1 } });
    await promise;
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: RESERVED_USD, outcome: 'cancelled', estimated: true });
  });

  it('settles once when the callback fails after the kill, whatever its error says', async () => {
    const { guard, booked } = meteredGuard();
    const { promise, reject } = deferred<Reply>();
    const call = guard.call(REQUEST, () => promise);
    guard.kill();
    reject(Object.assign(new Error('x'), { status: 500 }));
    await expect(call).rejects.toBeInstanceOf(KilledError);
    expectSettled(guard, booked, 1);
    expect(booked[0]!.usd).toBe(RESERVED_USD);
  });

  it('is ended by maxCallSeconds', async () => {
    vi.useFakeTimers();
    const { guard, booked } = meteredGuard({ maxCallSeconds: 5 });
    const call = guard.call(REQUEST, () => new Promise<Reply>(() => {}));
    const ended = expect(call).rejects.toBeInstanceOf(CallTimeoutError);
    await vi.advanceTimersByTimeAsync(4_900);
    expect(booked).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1_200);
    await ended;
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: RESERVED_USD, outcome: 'cancelled' });
  });

  it('leaves other calls alone when it is refused', async () => {
    const { guard, booked } = meteredGuard({ budget: Budget.total(0.0003), waitMs: 0 });
    const { promise, resolve } = deferred<Reply>();
    const first = guard.call(REQUEST, () => promise);
    await expect(guard.call(REQUEST, async () => ({ value: 2 }))).rejects.toBeInstanceOf(BudgetExceededError);
    resolve({ value: 'one', usage: { inputTokens: 100, outputTokens: 50 } });
    await expect(first).resolves.toBe('one');
    expectSettled(guard, booked, 1);
  });
});

describe('passthrough', () => {
  it('hands over whatever the callback returns', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const { guard } = meteredGuard({ apiKey: 'nonsense' });
    expect(warn).toHaveBeenCalledOnce();
    await expect(guard.call(REQUEST, async () => undefined as unknown as Reply)).resolves.toBeUndefined();
    warn.mockRestore();
  });
});
