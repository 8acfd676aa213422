/**
 * The engine of one guard: its budgets, runs, kills and calls in flight. It books what calls cost and stops them; which
 * call may start is decided in admission.ts.
 */
import { BudgetSet } from './budget/budget-set.ts';
import { fromUnit } from './budget/budget.ts';
import { changeLimit, charge as chargeAccounts, fireFull } from './budget/ledger.ts';
import { isPooled, type Account, type Pool, type PoolListener } from './budget/pool.ts';
import type { Policy } from './config/policy.ts';
import { KillSwitch } from './control/kill-switch.ts';
import { ClosedError, type KillReason } from './errors.ts';
import { chargeOf, spendOf } from './spend.ts';
import { Events, isolated, type ThresholdEvent } from './events.ts';
import { Run, type Breach } from './guardrails/run.ts';
import type { CallHost, InFlight } from './in-flight.ts';
import { LoopWatch } from './loop-watch.ts';
import type { Nano } from './money.ts';
import { PriceBook } from './price-book.ts';
import type { Recorder } from './recorder.ts';
import type { Price } from './pricing/price.ts';
import { currentFrame, type Frame } from './scope.ts';
import type { Charge } from './settlement.ts';
import type { WaitingCall } from './waiting.ts';
import { Watch } from './watch.ts';

/** Reasons whose kill ends calls in flight; a budget kill lets them finish, since they are paid for. */
const ABORTING: ReadonlySet<KillReason> = new Set<KillReason>(['manual', 'duration', 'loop', 'key_revoked']);

const BUDGET_TYPE = { usd: 'cost', tokens: 'tokens', calls: 'calls' } as const;

/** One guard's engine. */
export class Engine implements PoolListener, CallHost {
  readonly events = new Events();
  readonly killSwitch = new KillSwitch();
  readonly budgets: BudgetSet;
  readonly prices: PriceBook;
  readonly inFlight = new Set<InFlight>();
  readonly waiting = new Set<WaitingCall>();
  /** Runs that a guardrail has stopped and that are still open. */
  readonly stoppedRuns = new Set<Run>();
  readonly loops: LoopWatch | undefined;
  readonly cancelMarginTokens: number;
  readonly onUnknownUsage: 'reservation' | 'seen';
  #run: Run;
  /** What the last completed call was and consumed, to judge whether another like it could start. */
  last: { readonly price: Price; readonly tokens: number } | undefined;
  /** Are told what was charged: for the backend, and for the next process. */
  readonly recorders: Recorder[] = [];
  /** Why no call may start at all, where the guard could not be set up. */
  fault: Error | undefined;
  #closed = false;
  /** Accounts whose budget killed the agent, with the limit they had: until the window ends, it rises, or someone resumes. */
  readonly #exhausted = new Map<Account, number>();
  readonly #work = new Set<Promise<void>>();
  readonly #watch: Watch;

  constructor(readonly policy: Policy) {
    this.cancelMarginTokens = policy.cancelMarginTokens;
    this.onUnknownUsage = policy.onUnknownUsage;
    this.loops = policy.loops === undefined ? undefined : new LoopWatch(policy.loops);
    this.prices = new PriceBook(policy.prices, policy.onUnknownModel);
    this.budgets = new BudgetSet(
      policy.budgets,
      this,
      policy.killThresholds.map(({ threshold }) => threshold),
      policy.backend === undefined ? '' : `${policy.backend.url}\n${policy.backend.apiKey}`,
    );
    this.#run = this.newRun(undefined);
    this.#watch = new Watch(this.inFlight, policy, () => policy.clock.monotonic());
  }

  /** The run that calls outside `guard.run()` count in. */
  get defaultRun(): Run {
    return this.#run;
  }

  /** Opens a run, inside another or on its own. */
  newRun(parent: Run | undefined, id: string = crypto.randomUUID()): Run {
    return new Run(id, this.policy.limits, parent);
  }

  /** The run of the innermost layer that belongs to this guard. */
  runOf(frame: Frame | undefined): Run {
    for (let layer = frame; layer !== undefined; layer = layer.parent) if (layer.guard === this) return layer.run;
    return this.#run;
  }

  /** The layer that a granted call's callback runs in. */
  frameOf(call: InFlight): Frame {
    const parent = currentFrame();
    return { parent, guard: this, user: parent?.user, tags: parent?.tags ?? [], run: call.run, call };
  }

  /** Adds a call to those in flight. */
  entered(call: InFlight): void {
    this.inFlight.add(call);
    this.#watch.wake();
  }

  monotonic(): number {
    return this.policy.clock.monotonic();
  }

  left(call: InFlight): void {
    this.inFlight.delete(call);
  }

  answeringPrice(asked: Price, model: string): Price {
    return this.prices.answering(asked, asked.provider, model, this.policy.clock.now());
  }

  charged(call: InFlight, charge: Charge, model: string): void {
    const { clock, agentName } = this.policy;
    // The run first: settling may admit waiting calls, which must see what this one used.
    call.run.record(charge.usd, charge.tokens, call.toolCalls, clock.monotonic());
    call.reservation.settle(charge.usd, charge.tokens, charge.calls);
    if (charge.outcome === 'completed') this.last = { price: call.claim.price, tokens: charge.tokens };
    for (const recorder of this.recorders) recorder.call(call, charge, model);
    if (this.events.has('spend')) this.events.emit('spend', () => spendOf(agentName, call, charge, model, clock.now()));
  }

  track(work: Promise<void>): void {
    const done = work.finally(() => this.#work.delete(done));
    this.#work.add(done);
  }

  /** Charges what was spent outside a call. */
  charge(nano: Nano, name: string): void {
    const { clock, agentName, enabled } = this.policy;
    if (!enabled) return; // in passthrough nothing is counted
    const frame = currentFrame();
    const run = this.runOf(frame);
    run.record(nano, 0, 0, clock.monotonic());
    const accounts = this.budgets.accountsAt(clock.now(), frame);
    chargeAccounts(accounts, nano);
    for (const recorder of this.recorders) recorder.charge(nano, name, run, frame, accounts);
    this.events.emit('spend', () => chargeOf(agentName, run.id, name, nano, clock.now()));
  }

  /** What every new call is refused with just now, whatever it costs. */
  get refusal(): Error | undefined {
    if (this.#closed)
      return new ClosedError(
        `The guard of agent ${this.policy.agentName} is closed. Make a new AgentKavach for new calls.`,
      );
    return this.fault ?? this.killSwitch.error;
  }

  onThreshold(account: Account, threshold: number): void {
    const { agentName, clock, mode, killThresholds } = this.policy;
    const { pool, holder } = account;
    const { unit, scope } = pool.budget;
    const budgetType = BUDGET_TYPE[unit];
    const isOwn = killThresholds.some(
      (kill) => kill.threshold === threshold && (kill.budgetType ?? budgetType) === budgetType,
    );
    const { limit } = pool;
    this.events.emit('threshold', (): ThresholdEvent => ({
      agentName,
      budgetId: this.budgets.idOf(pool),
      budgetType,
      holder: holder === '' ? undefined : holder,
      threshold,
      spent: fromUnit(unit, account.spent),
      limit: fromUnit(unit, limit),
      at: clock.now(),
    }));
    // A listener has raised the limit: there is room again.
    if (pool.limit > limit && account.spent < threshold * pool.limit) return;
    if ((threshold !== 1 && !isOwn) || mode === 'observe') return;
    // Already stopped by this budget, at a kill threshold below 1: what still settles now is no second kill.
    if (this.#isClosed(account)) return;
    this.#close(account);
    // One user's empty budget stops that user, not the agent.
    if (scope !== 'user' && scope !== 'tag') this.#announceKill(unit === 'usd' ? 'cost' : unit, undefined, undefined);
  }

  /** A call found no room, and nothing in flight could free any: the window's 100 % event. */
  exhaust(account: Account): void {
    const { limit } = account.pool;
    fireFull(account);
    // Also where another guard of a shared budget met the event first; not where a listener has raised the limit.
    if (account.pool.limit <= limit) this.#close(account);
  }

  /** The first account that takes no calls of this agent, whatever they cost. */
  closedAmong(accounts: readonly Account[]): Account | undefined {
    for (let i = 0; i < accounts.length; i++) if (this.isCutOff(accounts[i] as Account)) return accounts[i];
    if (this.#exhausted.size === 0) return undefined;
    return accounts.find((account) => this.#isClosed(account));
  }

  /** Whether a pooled budget has no authority that could say what is left of it; `hard` refuses then. */
  isCutOff(account: Account): boolean {
    const { refusePooled } = this.policy;
    if (!refusePooled) return false;
    const { pool } = account;
    return pool.lender === undefined ? isPooled(pool) : pool.lender.isCutOff(account);
  }

  /** A guardrail was reached: its run takes no more calls. */
  breach({ run, error, reason }: Breach): void {
    if (run.stopped !== undefined || this.policy.mode === 'observe') return;
    const aborts = ABORTING.has(reason);
    run.stop({ run, error, reason }, aborts);
    this.stoppedRuns.add(run);
    if (aborts) {
      if (run === this.#run) this.killSwitch.abort(error, false);
      for (const call of [...this.inFlight]) if (call.run.isWithin(run)) call.stop(error, 'cancelled');
    }
    for (const waiting of [...this.waiting]) waiting.retry(); // those of this run are refused now
    this.#announceKill(reason, undefined, run.id);
  }

  /** Stops the agent until it is resumed. @param isRemote the backend holds the stop */
  kill(reason: KillReason, by: string | undefined, isRemote = false): void {
    const present = this.killSwitch.kill;
    // A second kill adds nothing, unless it ends calls in flight that the first one lets finish, or outlasts it.
    const isWeaker = present !== undefined && (!ABORTING.has(reason) || ABORTING.has(present.reason));
    if (isWeaker && (present.isRemote || !isRemote)) return;
    this.killSwitch.set(this.policy.agentName, { reason, by, at: this.policy.clock.now(), isRemote });
    const error = this.killSwitch.error as Error;
    for (const waiting of [...this.waiting]) waiting.refuse(error);
    if (ABORTING.has(reason)) {
      this.killSwitch.abort(error, true);
      for (const call of [...this.inFlight]) call.stop(error, 'cancelled');
    }
    this.#announceKill(reason, by, undefined);
  }

  /**
   * Clears every kill: the agent's, its budgets' and its runs'. A run that was stopped counts anew. What the backend
   * holds stopped, only the backend resumes.
   */
  resume(isRemote = false): void {
    const { kill } = this.killSwitch;
    if (kill?.isRemote === true && !isRemote) {
      console.warn(
        `[agentkavach] agent ${this.policy.agentName} was stopped by the backend (${kill.reason}); guard.resume() does not lift that. Resume it in the dashboard or with npx agentkavach resume.`,
      );
      return;
    }
    this.killSwitch.clear();
    this.#exhausted.clear();
    for (const run of this.stoppedRuns) if (run !== this.#run) run.restart();
    this.stoppedRuns.clear();
    if (this.#run.stopped !== undefined) {
      this.#run.end();
      this.#run = this.newRun(undefined);
    }
    this.events.emit('resume', () => ({ agentName: this.policy.agentName, at: this.policy.clock.now() }));
  }

  /** Changes a budget's limit; a higher one reopens it. */
  setLimit(id: string, value: number): Pool {
    const { pool, limit } = this.budgets.limitOf(id, value);
    this.applyLimit(pool, limit);
    return pool;
  }

  /** The same for a limit in the budget's integer unit. */
  applyLimit(pool: Pool, limit: number): void {
    if (limit > pool.limit) for (const account of pool.allAccounts()) this.#exhausted.delete(account);
    if (limit !== pool.limit) changeLimit(pool, limit);
  }

  /** Waits until every ended call is settled. */
  async flush(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled(this.#work);
  }

  /** Refuses new calls, stops those in flight, and waits until all are settled. */
  async close(): Promise<void> {
    this.#closed = true;
    const error = this.refusal as Error;
    for (const waiting of [...this.waiting]) waiting.refuse(error);
    for (const call of [...this.inFlight]) call.stop(error, 'cancelled');
    await this.flush();
    this.#watch.stop();
    this.#run.end();
    this.budgets.close();
  }

  #isClosed(account: Account): boolean {
    return account.pool.limit <= (this.#exhausted.get(account) ?? Number.NEGATIVE_INFINITY);
  }

  #close(account: Account): void {
    const now = this.policy.clock.now();
    for (const old of this.#exhausted.keys()) if (old.window.end <= now) this.#exhausted.delete(old);
    this.#exhausted.set(account, account.pool.limit);
    for (const waiting of [...this.waiting]) waiting.retry(); // what waits here has nothing to wait for
  }

  #announceKill(reason: KillReason, by: string | undefined, runId: string | undefined): void {
    const { agentName, clock, onKill } = this.policy;
    this.events.emit('kill', () => ({ agentName, reason, by, runId, at: clock.now() }));
    if (onKill !== undefined) isolated('onKill', () => onKill(reason));
  }
}
