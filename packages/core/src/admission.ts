/**
 * Whether a call may start. The order: a wait until it is known what was spent before, what stops every call, the run's
 * guardrails, room in every budget, a lower output cap, a sharper input bound, a wait for room that other calls hold, and
 * last the refusal.
 */
import type { DenialCause } from './budget/denial.ts';
import { amountIn } from './budget/ledger.ts';
import type { Account } from './budget/pool.ts';
import type { CallRequest } from './call.ts';
import { checkRequest } from './check-request.ts';
import { isSameCall, relay } from './call-layer.ts';
import { Claim } from './claim.ts';
import type { Engine } from './engine.ts';
import { UnknownModelError, type BudgetExceededError } from './errors.ts';
import type { Gate } from './gate.ts';
import type { Breach, Run } from './guardrails/run.ts';
import { InFlight } from './in-flight.ts';
import { switched } from './model-switch.ts';
import { ceilingPrice, type Price } from './pricing/price.ts';
import { denied, enforce, exceeded } from './refused.ts';
import { currentFrame, type CallLayer, type Frame } from './scope.ts';
import { WaitingCall } from './waiting.ts';

let arrivals = 0;

/** Milliseconds that a call which may not wait for others waits for the backend to answer: longer than a request may take. */
const ANSWER_MS = 15_000;

/** A call on its way to a reservation. */
interface Applicant {
  readonly claim: Claim;
  readonly run: Run;
  readonly frame: Frame | undefined;
  /** Outer layers, of other guards, that hold this very request already: what they share with it is not held twice. */
  readonly outer: readonly CallLayer[];
  /** The conversation ends with a loop. Found once: a call that waits for room is tried many times. */
  readonly loop: Breach | undefined;
}

const NO_LAYERS: readonly CallLayer[] = [];

/**
 * Takes the call's reservation in all of its budgets, or refuses it. Synchronous where there is room, so that nothing
 * comes between the check and the hold.
 *
 * @returns the call; where an outer layer of this guard holds the reservation of this very request, the layer to run in
 *   instead; `undefined` in passthrough
 * @throws a KavachError when the call is refused; nothing has been sent then
 */
export function admit(engine: Engine, request: CallRequest): InFlight | Promise<InFlight> | Frame | undefined {
  checkRequest(request);
  if (!engine.policy.enabled) return undefined;
  const frame = currentFrame();
  const outer = frame === undefined ? NO_LAYERS : takeOver(engine, frame, request);
  if ('guard' in outer) return outer;
  return engine.gate === undefined
    ? enter(engine, request, frame, outer)
    : waitAtGate(engine, engine.gate, request, () => enter(engine, request, frame, outer));
}

/** Waits until it is known what was spent before. A call that would be refused in any case is refused at once. */
async function waitAtGate<T>(engine: Engine, gate: Gate, request: CallRequest, then: () => T): Promise<Awaited<T>> {
  refuseIfStopped(engine, request);
  await gate.pass(request.signal);
  return await then();
}

/** Admits a call, or lets it wait for room. */
function enter(
  engine: Engine,
  request: CallRequest,
  frame: Frame | undefined,
  outer: readonly CallLayer[],
): InFlight | Promise<InFlight> {
  const { policy } = engine;
  const asked = policy.modelSwitches.length === 0 ? request : switchedAt(engine, request, frame);
  const claim = new Claim(asked, priceOf(engine, asked), policy, engine.prefixes);
  const run = engine.runOf(frame);
  const applicant = { claim, run, frame, outer, loop: engine.loops?.breachOf(request, run) };
  let result = attempt(engine, applicant);
  if (!(result instanceof InFlight) && claim.tighten()) result = attempt(engine, applicant);
  if (!(result instanceof InFlight)) return contend(engine, applicant, result);
  claim.note();
  return result;
}

/** The request as `onThreshold` wants it. A cap above the other model's is lowered: it would refuse the request. */
export function switchedAt(engine: Engine, request: CallRequest, frame: Frame | undefined): CallRequest {
  const accounts = engine.budgets.accountsAt(engine.policy.clock.now(), frame);
  const asked = switched(engine.policy, request, accounts);
  if (asked === request || asked.maxOutputTokens === undefined || asked.canClampOutput !== true) return asked;
  const { maxOutputTokens = asked.maxOutputTokens } = priceOf(engine, asked);
  return { ...asked, maxOutputTokens: Math.min(asked.maxOutputTokens, maxOutputTokens) };
}

/** Tries to admit the call now. @returns the call, or the account that blocks it; throws when it is refused for good */
function attempt(engine: Engine, applicant: Applicant): InFlight | Account {
  const { mode, clock } = engine.policy;
  const { claim, run } = applicant;
  refuseIfStopped(engine, claim.request);
  const monotonic = clock.monotonic();
  const breach = run.breach(monotonic) ?? applicant.loop;
  if (breach !== undefined) {
    if (mode !== 'observe') engine.breach(breach);
    enforce(engine, breach.error);
  }
  const now = clock.now();
  const accounts = accountsOf(engine, applicant, now);
  for (let i = 0; i < accounts.length; i++) accounts[i]?.pool.lender?.check(accounts[i] as Account, now, monotonic);
  const closed = closedAmong(engine, accounts);
  const blocking = claim.fit(accounts, run.tokensLeft());
  if (closed !== undefined) {
    closed.pool.lender?.closed(closed);
    throw denied(engine, exceeded(engine, claim, closed, causeOf(engine, closed)));
  }
  if (blocking !== undefined) return blocking;
  if (mode === 'observe' && engine.events.has('denied')) report(engine, applicant, accounts);
  const call = new InFlight(engine, claim, run, accounts, monotonic, now, applicant.frame);
  run.begin(monotonic, (timeUp) => engine.breach(timeUp));
  engine.entered(call);
  return call;
}

/** What no room in any budget could help. */
function refuseIfStopped(engine: Engine, { signal }: CallRequest): void {
  if (signal?.aborted === true) throw signal.reason;
  const { refusal } = engine;
  if (refusal !== undefined) throw denied(engine, refusal);
}

/** What is tried when there is no room at once: a sharper bound, then a place in the queue. */
async function contend(engine: Engine, applicant: Applicant, blocking: Account): Promise<InFlight> {
  const { claim, run } = applicant;
  const { waitMs, clock } = engine.policy;
  claim.order = ++arrivals; // before the count, in which others arrive
  const couldSharpen = (): boolean =>
    claim.blurred && claim.couldFitSharpened(accountsOf(engine, applicant), run.tokensLeft());
  let blocked = blocking;
  if (!mayGrow(blocked) && couldSharpen()) {
    await claim.sharpen();
    claim.refresh();
    const result = attempt(engine, applicant);
    if (result instanceof InFlight) return result;
    blocked = result;
  }
  const refuseIfStuck = (): void => {
    const stuck = claim.stuckOn(accountsOf(engine, applicant));
    if (stuck === undefined || mayGrow(stuck)) return;
    const isTooLarge = amountIn(stuck.pool.budget.unit, claim) > stuck.pool.limit;
    const error = exceeded(engine, claim, stuck, isTooLarge ? 'too large' : 'no room');
    engine.exhaust(stuck, amountIn(stuck.pool.budget.unit, claim.least));
    throw denied(engine, error);
  };
  refuseIfStuck();
  const refuseIfImpatient = (account: Account): void => {
    if (waitMs === 0 && !mayGrow(account))
      throw denied(engine, exceeded(engine, claim, account, causeOfWait(account, 'held')));
  };
  refuseIfImpatient(blocked);
  let isSharpening = false;
  const waiting = new WaitingCall(claim.order, blocked, {
    claim,
    attempt: () => {
      claim.refresh();
      const result = attempt(engine, applicant);
      if (result instanceof InFlight || isSharpening) return result;
      if (!mayGrow(result) && couldSharpen()) {
        isSharpening = true;
        const retry = (): void => {
          isSharpening = false;
          waiting.retry();
        };
        engine.unfinished.track(claim.sharpen().then(retry, retry));
        return result;
      }
      refuseIfStuck();
      refuseIfImpatient(result);
      return result;
    },
    waitMs: waitMs === 0 ? ANSWER_MS : waitMs,
    isPatient: waitMs > 0,
    msLeft: ({ window }) => window.end - clock.now(),
    signal: claim.request.signal,
    onTimeout: (account) => denied(engine, exceeded(engine, claim, account, causeOfWait(account, 'waited'))),
    onEnd: (ended) => engine.waiting.delete(ended),
  });
  engine.waiting.add(waiting);
  return waiting.admitted;
}

/** Whether an account's authority may still give it more: too early to refuse then. */
function mayGrow(account: Account): boolean {
  return account.pool.lender?.mayGrow(account) === true;
}

/** Why a call that others might have made room for got none: where nobody could be asked for more, that is the cause. */
function causeOfWait(account: Account, otherwise: DenialCause): DenialCause {
  const { lender } = account.pool;
  if (lender?.isCutOff(account) === true) return 'no backend';
  return lender?.isLost === true ? 'unreachable' : otherwise;
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
function accountsOf(engine: Engine, { frame, outer }: Applicant, now = engine.policy.clock.now()): readonly Account[] {
  const accounts = engine.budgets.accountsAt(now, frame);
  let own = accounts;
  for (const call of outer) if (!call.ended) own = own.filter((account) => !call.accounts.includes(account));
  return own;
}

/**
 * The outer layers of other guards that hold the reservation of this very request; where a layer of this guard does, the
 * layer to run in. Each holds it for one request of each guard: the next, a retry, is a new call.
 */
function takeOver(engine: Engine, frame: Frame, request: CallRequest): readonly CallLayer[] | Frame {
  let others = NO_LAYERS;
  for (let layer: Frame | undefined = frame; layer !== undefined; layer = layer.parent) {
    const { call } = layer;
    if (call === undefined || call.takenOverBy?.has(engine) === true || !isSameCall(call, request)) continue;
    // What another guard holds for a smaller request is no reservation of this one.
    if (layer.guard !== engine && !call.covers(request)) continue;
    const blocked = layer.guard === engine ? call.holdFor(request) : undefined;
    if (blocked !== undefined) throw denied(engine, grown(engine, request, blocked));
    (call.takenOverBy ??= new Set()).add(engine);
    if (layer.guard === engine) {
      return { ...layer, parent: frame, call: relay(call) };
    }
    others = [...others, call];
  }
  return others;
}

/** The refusal of a request that a layer in between has made larger than what there is room for. */
function grown(engine: Engine, request: CallRequest, account: Account): BudgetExceededError {
  const claim = new Claim(request, priceOf(engine, request), engine.policy);
  claim.fit([], Number.POSITIVE_INFINITY);
  return exceeded(engine, claim, account, 'held');
}

/** The first account that takes no calls of this agent, whatever they cost. */
function closedAmong(engine: Engine, accounts: readonly Account[]): Account | undefined {
  const closed = engine.closedAmong(accounts);
  if (closed !== undefined || engine.policy.mode !== 'soft') return closed;
  // Under `soft` nothing else refuses: not after resume(), nor where another guard spent a shared budget first.
  const spent = accounts.find((account) => account.spent >= account.pool.limit);
  if (spent !== undefined) engine.exhaust(spent, 1);
  return spent;
}

function causeOf(engine: Engine, account: Account): DenialCause {
  return engine.isCutOff(account) ? 'no backend' : 'closed';
}

/** Under `observe`: says what `hard` would have refused, with the output cap and the input bound that it would have used. */
function report(engine: Engine, { claim: asked, run }: Applicant, accounts: readonly Account[]): void {
  const { request, price, policy, prefixes } = asked;
  const claim = new Claim(request, price, { ...policy, mode: 'hard' }, prefixes);
  // Other calls' reservations are no measure: they were not lowered to fit, and `hard` would wait for them.
  const stuck = (): Account | undefined =>
    claim.fit(accounts, run.tokensLeft()) === undefined ? undefined : claim.stuckOn(accounts);
  const say = (account: Account | undefined): void => {
    if (account !== undefined) enforce(engine, exceeded(engine, claim, account, 'no room'));
  };
  if (stuck() === undefined) return;
  const fits = claim.tighten() && stuck() === undefined;
  claim.note();
  asked.conversation = claim.conversation;
  if (fits) return;
  if (!claim.blurred || !claim.couldFitSharpened(accounts, run.tokensLeft())) say(stuck());
  else engine.unfinished.track(claim.sharpen().then(() => say(stuck())));
}
