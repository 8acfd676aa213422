/**
 * Whether a call may start. The order: what stops every call, the run's guardrails, room in every budget, a lower
 * output cap, a sharper input bound, a wait for room that other calls hold, and last the refusal.
 */
import { budgetExceeded, type DenialCause } from './budget/denial.ts';
import { amountIn, blocker, Reservation } from './budget/ledger.ts';
import type { Account } from './budget/pool.ts';
import type { CallRequest } from './call.ts';
import { checkRequest } from './check-request.ts';
import { Claim } from './claim.ts';
import type { Engine } from './engine.ts';
import { KavachError, UnknownModelError, type BudgetExceededError } from './errors.ts';
import type { Run } from './guardrails/run.ts';
import { identityOf, InFlight } from './in-flight.ts';
import { ceilingPrice, type Price } from './pricing/price.ts';
import { currentFrame, type CallLayer, type Frame } from './scope.ts';
import { WaitingCall } from './waiting.ts';

let arrivals = 0;

/**
 * Takes the call's reservation in all of its budgets, or refuses it. Synchronous where there is room, so that nothing
 * comes between the check and the hold.
 *
 * @returns `undefined` when no reservation is to be taken: passthrough, or an outer layer of this guard has taken it
 * @throws a KavachError when the call is refused; nothing has been sent then
 */
export function admit(engine: Engine, request: CallRequest): InFlight | Promise<InFlight> | undefined {
  checkRequest(request);
  const { policy } = engine;
  if (!policy.enabled) return undefined;
  const frame = currentFrame();
  if (frame !== undefined && claimedByOuter(engine, frame, request)) return undefined;
  const claim = new Claim(request, priceOf(engine, request), policy);
  const run = engine.runOf(frame);
  let result = attempt(engine, claim, run, frame);
  if (!(result instanceof InFlight) && claim.tighten()) result = attempt(engine, claim, run, frame);
  return result instanceof InFlight ? result : contend(engine, claim, run, frame, result);
}

/** Tries to admit the call now. @returns the call, or the account that blocks it; throws when it is refused for good */
function attempt(engine: Engine, claim: Claim, run: Run, frame: Frame | undefined): InFlight | Account {
  const { mode, clock } = engine.policy;
  const { request } = claim;
  if (request.signal?.aborted === true) throw request.signal.reason;
  const { refusal } = engine;
  if (refusal !== undefined) throw denied(engine, refusal);
  const monotonic = clock.monotonic();
  const breach = run.breach(monotonic);
  if (breach !== undefined) {
    if (mode !== 'observe') engine.breach(breach);
    enforce(engine, breach.error);
  }
  const accounts = accountsOf(engine, request, frame);
  const closed = engine.closedAmong(accounts);
  const blocking = claim.fit(accounts, run.tokensLeft());
  if (closed !== undefined)
    throw denied(engine, exceeded(engine, claim, closed, engine.policy.refusePooled ? 'no backend' : 'closed'));
  if (blocking !== undefined) return blocking;
  if (mode !== 'hard') report(engine, claim, accounts);
  run.begin(monotonic, (timeUp) => engine.breach(timeUp));
  const reservation = new Reservation(accounts, claim.usd, claim.tokens, claim.calls);
  const call = new InFlight(engine, claim, run, reservation, monotonic);
  engine.entered(call);
  return call;
}

/** What is tried when there is no room at once: a sharper bound, then a place in the queue. */
async function contend(
  engine: Engine,
  claim: Claim,
  run: Run,
  frame: Frame | undefined,
  blocking: Account,
): Promise<InFlight> {
  let blocked = blocking;
  if (claim.blurred && claim.couldFitSharpened(accountsOf(engine, claim.request, frame), run.tokensLeft())) {
    await claim.sharpen();
    const result = attempt(engine, claim, run, frame);
    if (result instanceof InFlight) return result;
    blocked = result;
  }
  const refuseIfStuck = (): void => {
    const stuck = claim.stuckOn(accountsOf(engine, claim.request, frame));
    if (stuck === undefined) return;
    const error = exceeded(engine, claim, stuck, 'no room');
    engine.exhaust(stuck);
    throw denied(engine, error);
  };
  refuseIfStuck();
  const { waitMs, clock } = engine.policy;
  if (waitMs === 0) throw denied(engine, exceeded(engine, claim, blocked, 'held'));
  claim.order = ++arrivals;
  const waiting = new WaitingCall(claim.order, blocked, {
    attempt: () => {
      const result = attempt(engine, claim, run, frame);
      if (!(result instanceof InFlight)) refuseIfStuck();
      return result;
    },
    waitMs,
    windowMs: blocked.window.end - clock.now(),
    signal: claim.request.signal,
    onTimeout: (account) => denied(engine, exceeded(engine, claim, account, 'waited')),
    onEnd: (ended) => engine.waiting.delete(ended),
  });
  engine.waiting.add(waiting);
  return waiting.admitted;
}

function priceOf(engine: Engine, request: CallRequest): Price {
  const { clock, mode } = engine.policy;
  try {
    return engine.prices.priceOf(request.provider, request.model, clock.now());
  } catch (error) {
    if (mode !== 'observe' || !UnknownModelError.isInstance(error)) throw denied(engine, error as Error);
    enforce(engine, error);
    return ceilingPrice(request.provider, request.model);
  }
}

/** The call's accounts, without those in which an outer layer of another guard holds the same request already. */
function accountsOf(engine: Engine, request: CallRequest, frame: Frame | undefined): readonly Account[] {
  const accounts = engine.budgets.accountsAt(engine.policy.clock.now(), frame);
  let own = accounts;
  for (let layer = frame; layer !== undefined; layer = layer.parent) {
    const { call } = layer;
    if (call === undefined || !isSameCall(call, request)) continue;
    own = own.filter((account) => !call.accounts.includes(account));
  }
  return own;
}

/** Whether an outer layer of this guard holds the reservation of this very request. It does so for one request. */
function claimedByOuter(engine: Engine, frame: Frame, request: CallRequest): boolean {
  for (let layer: Frame | undefined = frame; layer !== undefined; layer = layer.parent) {
    const { call } = layer;
    if (layer.guard !== engine || call === undefined || call.claimed || !isSameCall(call, request)) continue;
    call.claimed = true;
    return true;
  }
  return false;
}

function isSameCall(call: CallLayer, request: CallRequest): boolean {
  const identity = identityOf(request);
  return !call.ended && identity !== undefined && call.identity === identity && call.model === request.model;
}

/** Under `soft` and `observe`: says what would have been refused. */
function report(engine: Engine, claim: Claim, accounts: readonly Account[]): void {
  if (!engine.events.has('denied') || engine.policy.mode === 'soft') return;
  const blocked = blocker(accounts, claim);
  if (blocked !== undefined) enforce(engine, exceeded(engine, claim, blocked, 'no room'));
}

/** Throws the refusal, unless the guard only observes. */
function enforce(engine: Engine, error: KavachError): void {
  if (engine.policy.mode !== 'observe') throw denied(engine, error);
  engine.events.emit('denied', () => ({
    agentName: engine.policy.agentName,
    error,
    enforced: false,
    at: engine.policy.clock.now(),
  }));
}

function denied(engine: Engine, error: Error): Error {
  const { agentName, clock } = engine.policy;
  if (KavachError.isInstance(error))
    engine.events.emit('denied', () => ({ agentName, error, enforced: true, at: clock.now() }));
  return error;
}

function exceeded(engine: Engine, claim: Claim, account: Account, cause: DenialCause): BudgetExceededError {
  const requested = amountIn(account.pool.budget.unit, claim);
  return budgetExceeded(engine.policy.agentName, engine.budgets.idOf(account.pool), account, requested, cause);
}
