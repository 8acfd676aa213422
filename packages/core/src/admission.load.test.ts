import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import { BudgetExceededError } from './errors.ts';
import { guardFixture } from './testing/index.ts';

const LIMIT = 3;
const LIMIT_NANO = LIMIT * 1e9;

/** One call: what it asks for, and which part of it is used in the end. Ten to 700 tokens, at a tenth of a cent each. */
const calls = fc.array(
  fc.record({
    inputTokens: fc.integer({ min: 0, max: 200 }),
    maxOutputTokens: fc.integer({ min: 10, max: 500 }),
    canClampOutput: fc.boolean(),
    used: fc.double({ min: 0, max: 1, noNaN: true }),
    end: fc.constantFrom('answer', 'answer', 'answer', 'silence', 'error'),
  }),
  { minLength: 1_000, maxLength: 1_000 },
);

describe('a thousand calls at once on a budget that fits a few', () => {
  it.each([
    ['that wait', 30_000],
    ['that are refused at once', 0],
  ])('%s are never billed more than the limit', async (_what, waitMs) => {
    await fc.assert(
      fc.asyncProperty(calls, fc.infiniteStream(fc.nat(1_000_000)), async (all, picks) => {
        const budget = [Budget.total(LIMIT), Budget.calls(2_000, 'daily'), Budget.tokens(5_000, 'daily')];
        const { guard, provider } = guardFixture({ budget, waitMs, minOutputTokens: 10 });
        const failures: unknown[] = [];
        const running = all.map(async (call) => {
          const { end, used, ...sizes } = call;
          const send = provider.send;
          const answer = guard.call({ provider: 'fake', model: 'fake-1', ...sizes }, (grant) => {
            const sent = send(grant);
            const pending = provider.pending.at(-1)!;
            const output = Math.floor(used * grant.maxOutputTokens!);
            ends.push(() => {
              if (end === 'answer') pending.answer(sizes.inputTokens, output);
              else if (end === 'silence') pending.answerSilently(sizes.inputTokens, output);
              else pending.refuse(429);
            });
            return sent;
          });
          await answer.catch((error: unknown) => failures.push(error));
        });
        const ends: (() => void)[] = [];
        for (;;) {
          const { budgets } = guard.status();
          for (const { spent, reserved, limit } of budgets) {
            if (spent + reserved > limit + 1e-12) expect(spent + reserved).toBeLessThanOrEqual(limit);
          }
          if (provider.billed > LIMIT_NANO) expect(provider.billed).toBeLessThanOrEqual(LIMIT_NANO);
          if (ends.length === 0) break;
          const [end] = ends.splice((picks.next().value as number) % ends.length, 1);
          end!();
          for (let i = 0; i < 10; i++) await Promise.resolve(); // room returns, waiting calls are sent
        }
        await Promise.all(running);
        const { budgets, inFlight } = guard.status();
        expect(budgets.map(({ reserved }) => reserved)).toEqual([0, 0, 0]);
        expect(inFlight).toBe(0);
        expect(budgets[0]!.spent * 1e9).toBeGreaterThanOrEqual(provider.billed - 1);
        expect(failures.filter((e) => !BudgetExceededError.isInstance(e) && !/HTTP 429/.test(String(e)))).toEqual([]);
        expect(provider.requests).toBeGreaterThan(3);
      }),
      { numRuns: 15 },
    );
  });
});
