/** A budget that three answers use up, so that a fourth does not fit. */
import { expect } from 'vitest';
import type { Script } from '@agentkavach/simulator';
import type { Attempt, Stage } from '../scenario.ts';

/** What one answer is billed as. */
const ANSWER = { input: 10, output: 1000 };

/** An output cap that leaves the answer whole. */
export const LONG_ENOUGH = 1050;

/** Options: the shortest answer worth asking for is longer than what three answers leave. */
export const WORTH_ASKING = { minOutputTokens: 700 };

/** Room for three answers, in output tokens, and a rest that is worth nothing. */
export const ROOM = 3600;

/** Every question gets the same long answer. */
export const answersAtLength = (): Script => () => ({
  tokens: ANSWER.output,
  chunkTokens: 100,
  usage: { inputTokens: ANSWER.input },
});

/** Asks five times, whatever happens. @returns the first refusal */
export async function askFiveTimes({ attempt, sim, guard }: Stage): Promise<Attempt> {
  let refusal: Attempt | undefined;
  for (let asked = 0; asked < 5; asked += 1) {
    const result = await attempt({ prompt: 'Tell me more.', maxOutputTokens: LONG_ENOUGH });
    if (result.error !== undefined) refusal ??= result;
  }
  const [budget] = guard.status().budgets;
  expect(sim.ledger.totalNano(), 'the bill').toBeLessThanOrEqual(Math.round((budget?.limit ?? 0) * 1e9));
  return refusal ?? {};
}
