import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import { BudgetExceededError } from './errors.ts';
import { guardFixture } from './testing/index.ts';

const LIMIT = 3;
const CALLS = 1_000;

/** Whole numbers below a bound, the same for the same seed (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/**
 * Starts all calls at once, each of 10 to 700 tokens at a tenth of a cent, and ends those that were sent in random
 * order: with usage, without, or with a provider's error.
 */
async function runAll(waitMs: number, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const budget = [Budget.total(LIMIT), Budget.calls(2_000, 'daily'), Budget.tokens(5_000, 'daily')];
  const { guard, provider } = guardFixture({ budget, waitMs, minOutputTokens: 10 });
  const ends: (() => void)[] = [];
  const failures: unknown[] = [];
  const running = Array.from({ length: CALLS }, async () => {
    const inputTokens = random(201);
    const sizes = { inputTokens, maxOutputTokens: 10 + random(491), canClampOutput: random(2) === 0 };
    const answer = guard.call({ provider: 'fake', model: 'fake-1', ...sizes }, (grant) => {
      const sent = provider.send(grant);
      const pending = provider.pending.at(-1)!;
      const output = random(grant.maxOutputTokens! + 1);
      const how = random(5);
      ends.push(() => {
        if (how === 0) pending.refuse(429);
        else if (how === 1) pending.answerSilently(inputTokens, output);
        else pending.answer(inputTokens, output);
      });
      return sent;
    });
    await answer.catch((error: unknown) => failures.push(error));
  });
  for (;;) {
    const { budgets } = guard.status();
    const over = budgets.find(({ spent, reserved, limit }) => spent + reserved > limit + 1e-9);
    expect(over).toBeUndefined();
    expect(provider.billed).toBeLessThanOrEqual(LIMIT * 1e9);
    if (ends.length === 0) break;
    ends.splice(random(ends.length), 1)[0]!();
    for (let i = 0; i < 10; i++) await Promise.resolve(); // room returns, and calls that waited are sent
  }
  await Promise.all(running);
  const { budgets, inFlight } = guard.status();
  expect(budgets.map(({ reserved }) => reserved)).toEqual([0, 0, 0]);
  expect(inFlight).toBe(0);
  expect(Math.round(budgets[0]!.spent * 1e9)).toBeGreaterThanOrEqual(provider.billed);
  expect(budgets[1]!.spent).toBe(provider.requests);
  const others = failures.filter((error) => !BudgetExceededError.isInstance(error) && !String(error).includes('429'));
  expect(others).toEqual([]);
  expect(provider.requests).toBeGreaterThan(3);
}

describe('a thousand calls at once on a budget that fits a few', () => {
  it.each([
    ['that wait', 30_000],
    ['that are refused at once', 0],
  ])('%s are never billed more than the limit', async (_what, waitMs) => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), (seed) => runAll(waitMs, seed)),
      { numRuns: 10 },
    );
  });
});
