import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import type { CallResult } from './call.ts';
import { expectSettled, meteredGuard, REQUEST, RESERVED_USD } from './testing/metered.ts';

type Reply = CallResult<unknown>;

async function failed(error: unknown) {
  const { guard, booked } = meteredGuard({ budget: [Budget.total(1), Budget.calls(10, 'total')] });
  const caught: unknown = await guard
    .call(REQUEST, async () => {
      throw error;
    })
    .catch((thrown: unknown) => thrown);
  expect(caught).toBe(error);
  expectSettled(guard, booked, 1);
  const { run, budgets } = guard.status();
  return { event: booked[0]!, run, calls: budgets[1]!.spent };
}

describe('a call that fails', () => {
  const refused: unknown[] = [
    Object.assign(new Error('x'), { status: 400 }),
    Object.assign(new Error('x'), { statusCode: 429 }),
    Object.assign(new Error('x'), { status: 'error', statusCode: 503 }),
    new Error('x', { cause: { status: 500 } }),
    new Error('x', { cause: new Error('y', { cause: { statusCode: 529 } }) }),
    { status: 401 },
  ];
  it.each(refused)('costs nothing where the provider answered with an error status: %j', async (error) => {
    const { event, run, calls } = await failed(error);
    expect(event).toMatchObject({ usd: 0, outcome: 'released', estimated: false });
    expect(run).toMatchObject({ calls: 1, tokens: 0, spent: 0 });
    expect(calls).toBe(1); // a refused request is a request
  });

  it.each(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'])(
    'costs nothing and is no call where no connection was made: %s',
    async (code) => {
      const { event, run, calls } = await failed(new TypeError('fetch failed', { cause: { code } }));
      expect(event).toMatchObject({ usd: 0, outcome: 'released' });
      expect(run.calls).toBe(0);
      expect(calls).toBe(0);
    },
  );

  it('costs nothing where the request says that its error comes before sending', async () => {
    const { guard, booked } = meteredGuard();
    const call = guard.call({ ...REQUEST, notSent: () => true }, async () => {
      throw new Error('no key');
    });
    await expect(call).rejects.toThrow('no key');
    expect(booked[0]).toMatchObject({ usd: 0, outcome: 'released' });
    expect(guard.status().run.calls).toBe(0);
  });

  const throwing = {
    get status(): number {
      throw new Error('getter');
    },
  };
  const unknown: [string, unknown][] = [
    ['an error without a status', new Error('socket hang up')],
    ['a reset connection', Object.assign(new Error('x'), { code: 'ECONNRESET' })],
    ['a status that is no error', Object.assign(new Error('x'), { status: 200 })],
    ['a status that is no number', Object.assign(new Error('x'), { status: '500' })],
    ['a text', 'boom'],
    ['undefined', undefined],
    ['an error whose getters throw', throwing],
    ['a retry whose last attempt is unknown', new AggregateError([{ status: 500 }, new Error('reset')])],
    ['a retry that was once not connected', new AggregateError([{ code: 'ECONNREFUSED' }, new Error('reset')])],
  ];
  it.each(unknown)('is charged the whole reservation: %s', async (_, error) => {
    const { event, run } = await failed(error);
    expect(event).toMatchObject({ usd: RESERVED_USD, outcome: 'unknown', estimated: true });
    expect(run).toMatchObject({ calls: 1, tokens: 150 });
  });

  it('is charged whole when notSent itself throws', async () => {
    const { guard, booked } = meteredGuard();
    const notSent = (): boolean => {
      throw new Error('bad classifier');
    };
    const call = guard.call({ ...REQUEST, notSent }, async () => {
      throw new Error('reset');
    });
    await expect(call).rejects.toThrow('reset');
    expectSettled(guard, booked, 1);
    expect(booked[0]!.usd).toBe(RESERVED_USD);
  });

  it('is not free when the callback misuses this package after sending', async () => {
    const { guard, booked } = meteredGuard();
    const call = guard.call(REQUEST, async () => {
      guard.charge(-1, 'tool'); // ConfigError, after the provider has answered
      return { value: 1 };
    });
    await expect(call).rejects.toThrow(/charge/);
    expect(booked[0]).toMatchObject({ usd: RESERVED_USD, estimated: true });
  });

  it('settles when the callback throws before it returns a promise', async () => {
    const { guard, booked } = meteredGuard();
    const callback = (): Promise<Reply> => {
      throw new Error('sync');
    };
    await expect(guard.call(REQUEST, callback)).rejects.toThrow('sync');
    expectSettled(guard, booked, 1);
  });
});
