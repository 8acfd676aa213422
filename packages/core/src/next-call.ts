/** Whether another call could start: for loops that want to end with their steps kept, before they are refused. */
import { amountIn, type Amounts } from './budget/ledger.ts';
import type { Engine } from './engine.ts';
import { worstCost } from './pricing/price.ts';
import { currentFrame } from './scope.ts';

/** Whether the guard would let a call in that is like the last one and carries on from it. */
export function canStartCall(engine: Engine): boolean {
  const { enabled, mode, clock, minOutputTokens } = engine.policy;
  if (!enabled) return true;
  if (engine.refusal !== undefined) return false;
  if (mode === 'observe') return true;
  const frame = currentFrame();
  if (engine.runOf(frame).breach(clock.monotonic()) !== undefined) return false;
  const accounts = engine.budgets.accountsAt(clock.now(), frame);
  if (engine.closedAmong(accounts) !== undefined) return false;
  if (mode === 'soft') return accounts.every(({ pool, spent }) => spent < pool.limit);
  const next = expected(engine.last, minOutputTokens);
  return accounts.every(({ pool, spent }) => spent + amountIn(pool.budget.unit, next) <= pool.limit);
}

/** The last call's input and output as input, three times over: input is bounded from above, and tools add to it. The least output. */
function expected(last: Engine['last'], minOutputTokens: number): Amounts {
  if (last === undefined) return { usd: 1, tokens: 1, calls: 1 };
  const input = 3 * last.tokens;
  const usd = worstCost(last.price, input, minOutputTokens, { cacheWrite: 'none', textOnly: true });
  return { usd, tokens: input + minOutputTokens, calls: 1 };
}
