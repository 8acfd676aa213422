import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import { expectSettled, meteredGuard, REQUEST, RESERVED_USD } from './testing/metered.ts';

async function failed(error: unknown) {
  const { guard, booked } = meteredGuard({ budget: [Budget.total(1), Budget.calls(10, 'total')] });
  await expect(guard.call(REQUEST, () => Promise.reject(error))).rejects.toBe(error);
  expectSettled(guard, booked, 1);
  const { run, budgets } = guard.status();
  return { usd: booked[0]!.usd, calls: [run.calls, budgets[1]!.spent] };
}

describe('an address that fetch does not take', () => {
  const address = Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL' });
  it.each([
    ['no URL', address],
    ['no URL, in a wrapper', new TypeError('Failed to parse URL', { cause: address })],
    ['an unknown scheme', new TypeError('fetch failed', { cause: new Error('unknown scheme') })],
    ['a bad port', new TypeError('fetch failed', { cause: new Error('bad port') })],
  ])('costs nothing and is no call: %s', async (_, error) => {
    expect(await failed(error)).toEqual({ usd: 0, calls: [0, 0] });
  });

  it('is what the platform really throws', async () => {
    for (const url of ['http://[', 'nosuch://host/', 'http://localhost:1/']) {
      const error: unknown = await fetch(url).catch((thrown: unknown) => thrown);
      expect(await failed(error)).toEqual({ usd: 0, calls: [0, 0] });
    }
  });

  it.each([
    ['other words', new Error('bad port or so')],
    ['no error', { message: 'bad port' }],
  ])('is not found in %s', async (_, error) => {
    expect(await failed(error)).toEqual({ usd: RESERVED_USD, calls: [1, 1] });
  });
});
