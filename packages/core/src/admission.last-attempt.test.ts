import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import { BudgetExceededError } from './errors.ts';
import { guardFixture } from './testing/index.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it.each([
  ['is let in where the wall clock has jumped into the next window', 3_600_000, 2],
  ['is refused where it has not', 1_000, 1],
])('a call at the end of its waitMs %s', async (_, jump, requests) => {
  const { ask, clock, provider } = guardFixture({ budget: Budget.hourly(1), waitMs: 5_000, maxCallSeconds: 86_400 });
  void ask({ maxOutputTokens: 800 });
  const outcome = ask({ maxOutputTokens: 300 }).catch((error: unknown) => error);
  clock.set(clock.now() + jump);
  await vi.advanceTimersByTimeAsync(4_999);
  expect(provider.requests).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(provider.requests).toBe(requests);
  if (requests === 1) return expect(await outcome).toBeInstanceOf(BudgetExceededError);
  provider.pending[1]!.answer(1, 1);
  expect(await outcome).toBe(2);
});
