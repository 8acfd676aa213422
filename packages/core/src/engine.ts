/**
 * The engine of one guard: its budgets, runs, kills and calls in flight. It books what calls cost and stops them; which
 * call may start is decided in admission.ts.
 */
import { BilledPrefixes } from './billed-prefixes.ts';
import { BudgetSet } from './budget/budget-set.ts';
import { Closures } from './budget/closures.ts';
import { changeLimit, charge as chargeAccounts, fireFull } from './budget/ledger.ts';
import { isPooled, type Account, type Pool, type PoolListener } from './budget/pool.ts';
import type { Policy } from './config/policy.ts';
import { endsCalls, KillSwitch, type KillHolder } from './control/kill-switch.ts';
import { ClosedError, type KillReason } from './errors.ts';
import { BUDGET_TYPE, chargeOf, spendOf, thresholdOf } from './spend.ts';
import { Events, isolated } from './events.ts';
import type { Gate } from './gate.ts';
import { Run, type Breach } from './guardrails/run.ts';
import type { CallHost, InFlight } from './in-flight.ts';
import { LoopWatch } from './loop-watch.ts';
import type { Nano } from './money.ts';
import { PriceBook } from './price-book.ts';
import type { Recorder } from './recorder.ts';
import type { Price } from './pricing/price.ts';
import { currentFrame, type Frame } from './scope.ts';
import type { Charge } from './settlement.ts';
import { Unfinished } from './unfinished.ts';
import type { WaitingCall } from './waiting.ts';
import { Watch } from './watch.ts';

/** One guard's engine. */
export class Engine implements PoolListener, CallHost {
  readonly events = new Events();
  readonly killSwitch = new KillSwitch();
  readonly budgets: BudgetSet;
  readonly prices: PriceBook;
  readonly inFlight = new Set<InFlight>();
  readonly waiting = new Set<WaitingCall>();
  /** There while it is not known yet what was spent before: calls wait, except under `observe`. */
  gate: Gate | undefined;
  /** Runs that a guardrail has stopped and that are still open. */
  readonly stoppedRuns = new Set<Run>();
  readonly loops: LoopWatch | undefined;
  readonly unfinished = new Unfinished();
  readonly prefixes = new BilledPrefixes(() => this.monotonic());
  readonly cancelMarginTokens: number;
  readonly onUnknownUsage: 'reservation' | 'seen';
  #run: Run;
  /** Are told what was charged: for the backend, and for the next process. */
  readonly recorders: Recorder[] = [];
  /** Why no call may start at all, where the guard could not be set up. */
  fault: Error | undefined;
  #closed = false;
  /** Accounts whose budget killed the agent: until the window ends, the limit rises, the spend falls, or someone resumes. */
  readonly #closures = new Closures();
  readonly #watch: Watch;

  constructor(readonly policy: Policy) {
    this.cancelMarginTokens = policy.cancelMarginTokens;
    this.onUnknownUsage = policy.onUnknownUsage;
    this.loops = policy.loops === undefined ? undefined : new LoopWatch(policy.loops);
    this.prices = new PriceBook(policy.prices, policy.onUnknownModel);
    // What is off or only watches must not stop an app.
    if (policy.enabled && policy.mode !== 'observe') this.prices.assertKnown(policy.modelSwitches, policy.clock.now());
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
    for (const recorder of this.recorders) recorder.call(call, charge, model);
    if (this.events.has('spend')) this.events.emit('spend', () => spendOf(agentName, call, charge, model, clock.now()));
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
    const { pool } = account;
    const { unit, scope } = pool.budget;
    const budgetType = BUDGET_TYPE[unit];
    const isOwn = killThresholds.some(
      (kill) => kill.threshold === threshold && (kill.budgetType ?? budgetType) === budgetType,
    );
    const { limit } = pool;
    this.events.emit('threshold', () =>
      thresholdOf(agentName, this.budgets.idOf(pool), account, threshold, clock.now()),
    );
    // A listener has raised the limit: there is room again.
    if (pool.limit > limit && account.spent < threshold * pool.limit) return;
    if ((threshold !== 1 && !isOwn) || mode === 'observe') return;
    // Already stopped by this budget, at a kill threshold below 1: what still settles now is no second kill.
    if (this.#closures.has(account)) return;
    this.#close(account, threshold);
    // One user's empty budget stops that user, not the agent.
    if (scope !== 'user' && scope !== 'tag') this.#announceKill(unit === 'usd' ? 'cost' : unit, undefined, undefined);
  }

  onCorrection(account: Account): void {
    this.#closures.correct(account);
  }

  /** A call that needs `least` of the unit found no room, and nothing in flight could free any: the window's 100 % event. */
  exhaust(account: Account, least: number): void {
    const { limit } = account.pool;
    fireFull(account);
    // Also where another guard of a shared budget met the event first; not where a listener has raised the limit.
    if (account.pool.limit <= limit) this.#close(account, 1, least);
  }

  /** The first account that takes no calls of this agent, whatever they cost. */
  closedAmong(accounts: readonly Account[]): Account | undefined {
    for (let i = 0; i < accounts.length; i++) if (this.isCutOff(accounts[i] as Account)) return accounts[i];
    if (this.#closures.isEmpty) return undefined;
    return accounts.find((account) => this.#closures.has(account));
  }

  /** Whether a pooled budget has no authority that could say what is left of it; `hard` refuses then. */
  isCutOff(account: Account): boolean {
    const { refusePooled } = this.policy;
    if (!refusePooled || this.gate !== undefined) return false;
    const { pool } = account;
    return pool.lender === undefined ? isPooled(pool) : pool.lender.isCutOff(account);
  }

  /** A guardrail was reached: its run takes no more calls. */
  breach({ run, error, reason }: Breach): void {
    if (run.stopped !== undefined || this.policy.mode === 'observe') return;
    const aborts = endsCalls(reason);
    run.stop({ run, error, reason }, aborts);
    this.stoppedRuns.add(run);
    if (aborts) {
      if (run === this.#run) this.killSwitch.abort(error, false);
      for (const call of [...this.inFlight]) if (call.run.isWithin(run)) call.stop(error, 'cancelled');
    }
    for (const waiting of [...this.waiting]) waiting.retry(); // those of this run are refused now
    this.#announceKill(reason, undefined, run.id);
  }

  /** Stops the agent until whoever holds the stop lifts it: the code by {@link resume}, the backend by {@link lift}. */
  kill(reason: KillReason, by: string | undefined, holder: KillHolder = 'code'): void {
    const error = this.killSwitch.set(this.policy.agentName, { reason, by, at: this.policy.clock.now(), holder });
    if (error === undefined) return;
    this.gate?.refuse(error);
    for (const waiting of [...this.waiting]) waiting.refuse(error);
    if (endsCalls(reason)) {
      this.killSwitch.abort(error, true);
      for (const call of [...this.inFlight]) call.stop(error, 'cancelled');
    }
    this.#announceKill(reason, by, undefined);
  }

  /**
   * Clears what the code holds stopped, the budgets and the runs. A run that was stopped counts anew. What the backend holds
   * stopped, only the backend lifts.
   */
  resume(): void {
    const wasHeld = this.killSwitch.lift('code');
    const wasStopped = wasHeld || !this.#closures.isEmpty || this.stoppedRuns.size > 0;
    this.#closures.clear();
    for (const run of this.stoppedRuns) if (run !== this.#run) run.restart();
    this.stoppedRuns.clear();
    if (this.#run.stopped !== undefined) {
      this.#run.end();
      this.#run = this.newRun(undefined);
    }
    const { error } = this.killSwitch;
    if (error !== undefined) console.warn(`[agentkavach] ${error.message} guard.resume() does not lift that.`);
    else if (wasStopped) this.#resumed();
  }

  /** Lifts a stop that the backend held. Those of the code, of budgets and of runs stay. */
  lift(holder: Exclude<KillHolder, 'code'>): void {
    if (this.killSwitch.lift(holder) && this.killSwitch.kill === undefined) this.#resumed();
  }

  /** Lets calls in: what was spent before is known now, or can't be found out. */
  open(): void {
    const { gate } = this;
    this.gate = undefined;
    gate?.open();
  }

  /** Changes a budget's limit, in its integer unit; a higher one reopens it. */
  applyLimit(pool: Pool, limit: number): void {
    if (limit > pool.limit) this.#closures.open(pool);
    if (limit !== pool.limit) changeLimit(pool, limit);
  }

  /** Waits until every ended call is settled. */
  async flush(): Promise<void> {
    await this.unfinished.flush();
  }

  /** Refuses new calls, stops those in flight, and waits until all are settled. */
  async close(): Promise<void> {
    this.#closed = true;
    const error = this.refusal as Error;
    this.gate?.refuse(error);
    for (const waiting of [...this.waiting]) waiting.refuse(error);
    for (const call of [...this.inFlight]) call.stop(error, 'cancelled');
    await this.flush();
    this.#watch.stop();
    this.#run.end();
    this.budgets.close();
  }

  /** The process ends: charges what is in flight by what is known of it, while that can still be written down. */
  leave(): void {
    const error = new ClosedError(`The process of agent ${this.policy.agentName} has ended; its calls were given up.`);
    this.unfinished.leave(() => {
      for (const call of [...this.inFlight]) isolated('exit', () => call.stop(error, 'cancelled'));
    });
  }

  #close(account: Account, threshold: number, least?: number): void {
    this.#closures.close(account, threshold, this.policy.clock.now(), least);
    for (const waiting of [...this.waiting]) waiting.retry(); // what waits here has nothing to wait for
  }

  #resumed(): void {
    this.killSwitch.renew(this.#run.stopped === undefined);
    this.events.emit('resume', () => ({ agentName: this.policy.agentName, at: this.policy.clock.now() }));
  }

  #announceKill(reason: KillReason, by: string | undefined, runId: string | undefined): void {
    const { agentName, clock, onKill } = this.policy;
    this.events.emit('kill', () => ({ agentName, reason, by, runId, at: clock.now() }));
    if (onKill !== undefined) isolated('onKill', () => onKill(reason));
  }
}
