import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import type { CallGrant } from './call.ts';
import { BudgetExceededError, CallLimitError } from './errors.ts';
import { ControlledStream, STREAMED, WHOLE_USD } from './testing/controlled-stream.ts';
import { expectSettled, meteredGuard, REQUEST, RESERVED_USD } from './testing/metered.ts';

const withStatus = (status: number): Error => Object.assign(new Error(`HTTP ${status}`), { status });

/** A budget error as another guard throws it. */
async function foreignRefusal(): Promise<unknown> {
  const { guard } = meteredGuard({ budget: Budget.total(0.0001), waitMs: 0 });
  return guard.call(REQUEST, async () => ({ value: 1 })).catch((error: unknown) => error);
}

/** A call whose caller aborts with a reason while the callback waits, and what its callback throws then. */
async function aborted(reason: unknown, thrown: (grant: CallGrant, user: AbortSignal) => unknown) {
  const { guard, booked } = meteredGuard({ budget: [Budget.total(1), Budget.calls(10, 'total')] });
  const user = new AbortController();
  const call = guard.call({ ...REQUEST, signal: user.signal }, async (grant) => {
    user.abort(reason);
    throw thrown(grant, user.signal);
  });
  const caught: unknown = await call.catch((error: unknown) => error);
  expectSettled(guard, booked, 1);
  const { run, budgets } = guard.status();
  return { event: booked[0]!, run, calls: budgets[1]!.spent, caught };
}

const WHOLE = { usd: RESERVED_USD, outcome: 'cancelled', estimated: true };

describe("a caller's reason for its abort", () => {
  const throws: [string, (grant: CallGrant, user: AbortSignal) => unknown][] = [
    ['the reason of the grant', ({ signal }) => signal.reason as unknown],
    ["the reason of the caller's own signal", (_, user) => user.reason as unknown],
    ['an error around it', (_, user) => new Error('fetch failed', { cause: user.reason })],
    ['an error around an error around it', (_, user) => new Error('x', { cause: { error: user.reason } })],
    ['the attempts of a retry', (_, user) => new AggregateError([withStatus(500), user.reason])],
  ];

  it.each(throws)('with a status is no answer of the provider: the callback throws %s', async (_, thrown) => {
    const { event, run, calls } = await aborted(withStatus(499), thrown);
    expect(event).toMatchObject(WHOLE);
    expect(run).toMatchObject({ calls: 1, tokens: 150 });
    expect(calls).toBe(1);
  });

  it.each(throws)('may be a budget error: the callback throws %s', async (_, thrown) => {
    const refusal = await foreignRefusal();
    expect(refusal).toBeInstanceOf(BudgetExceededError);
    const { event, run, calls } = await aborted(refusal, thrown);
    expect(event).toMatchObject(WHOLE);
    expect([run.calls, calls]).toEqual([1, 1]);
  });

  it.each([
    ['a guardrail error', new CallLimitError('x', 'run', 1, 1)],
    ['a code of a connection that was never made', Object.assign(new Error('x'), { code: 'ECONNREFUSED' })],
    ['an object', { statusCode: 503 }],
    ['none', undefined],
    ['a text', 'left'],
  ])('may be %s', async (_, reason) => {
    const { event, calls } = await aborted(reason, ({ signal }) => signal.reason);
    expect(event).toMatchObject(WHOLE);
    expect(calls).toBe(1);
  });

  it('reaches the caller as it is', async () => {
    const reason = withStatus(499);
    expect((await aborted(reason, ({ signal }) => signal.reason)).caught).toBe(reason);
  });

  it('is charged whole also where a stream was still being opened', async () => {
    const { guard, booked } = meteredGuard();
    const user = new AbortController();
    const opening = guard.stream({ ...STREAMED, signal: user.signal }, async ({ signal }) => {
      user.abort(withStatus(499));
      signal.throwIfAborted();
      return new ControlledStream().as();
    });
    await expect(opening).rejects.toThrow('HTTP 499');
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ ...WHOLE, usd: WHOLE_USD });
  });
});

describe('a refusal of the provider', () => {
  it('is free during an abort too, where its error does not hold the reason', async () => {
    const { event, calls } = await aborted(new Error('user left'), () => withStatus(429));
    expect(event).toMatchObject({ usd: 0, outcome: 'released', estimated: false });
    expect(calls).toBe(1); // a refused request is a request
  });

  it('is free with the same status where nobody aborted', async () => {
    const { guard, booked } = meteredGuard();
    const { signal } = new AbortController();
    const call = guard.call({ ...REQUEST, signal }, () => Promise.reject(withStatus(499)));
    await expect(call).rejects.toThrow('HTTP 499');
    expect(booked[0]).toMatchObject({ usd: 0, outcome: 'released' });
  });

  it('is no longer free where an error during the abort says nothing', async () => {
    const { event } = await aborted(new Error('user left'), () => new Error('socket hang up'));
    expect(event).toMatchObject(WHOLE);
  });
});
