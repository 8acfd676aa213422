/** Whether another call could start: for loops that want to end with their steps kept, before they are refused. */
import { switchedAt } from './admission.ts';
import type { Account } from './budget/pool.ts';
import type { CallRequest } from './call.ts';
import { checkRequest } from './check-request.ts';
import { Claim } from './claim.ts';
import type { Engine } from './engine.ts';
import { UnknownModelError } from './errors.ts';
import { currentFrame } from './scope.ts';

/** Whether the guard takes calls at all: it is not stopped, the run is at no limit, and something is left in each budget. */
export function isOpen(engine: Engine): boolean {
  const { enabled, mode, clock } = engine.policy;
  if (!enabled) return true;
  if (engine.refusal !== undefined) return false;
  if (mode === 'observe') return true;
  const frame = currentFrame();
  if (engine.runOf(frame).breach(clock.monotonic()) !== undefined) return false;
  const accounts = engine.budgets.accountsAt(clock.now(), frame);
  return engine.closedAmong(accounts) === undefined && accounts.every(({ pool, spent }) => spent < pool.limit);
}

/** Whether the guard would take this call, decided as it would be. Nothing is held, nobody is told, nothing is stopped by it. */
export async function wouldAdmit(engine: Engine, request: CallRequest): Promise<boolean> {
  checkRequest(request);
  const { enabled, mode, clock } = engine.policy;
  if (!isOpen(engine)) return false;
  if (!enabled || mode === 'observe') return true;
  const frame = currentFrame();
  const run = engine.runOf(frame);
  if (engine.loops?.breachOf(request, run) !== undefined) return false;
  try {
    const asked = switchedAt(engine, request, frame);
    const price = engine.prices.priceOf(asked.provider, asked.model, clock.now());
    const claim = new Claim(asked, price, engine.policy, engine.prefixes);
    return await fits(engine, claim, engine.budgets.accountsAt(clock.now(), frame), () => run.tokensLeft());
  } catch (error) {
    if (UnknownModelError.isInstance(error)) return false;
    throw error;
  }
}

/** Whether there is room for a claim, now or once others end, at the sharpest bound of its input that is to be had. */
async function fits(
  { policy: { waitMs } }: Engine,
  claim: Claim,
  accounts: readonly Account[],
  tokensLeft: () => number,
): Promise<boolean> {
  const hasRoom = (): boolean => {
    const blocking = claim.fit(accounts, tokensLeft());
    if (blocking === undefined) return true;
    const stuck = waitMs === 0 ? blocking : claim.stuckOn(accounts);
    return stuck === undefined || stuck.pool.lender?.mayGrow(stuck) === true;
  };
  if (hasRoom() || (claim.tighten() && hasRoom())) return true;
  if (!claim.blurred || !claim.couldFitSharpened(accounts, tokensLeft())) return false;
  await claim.sharpen();
  return hasRoom();
}
