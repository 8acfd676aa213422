/**
 * The part of a guard that talks to its backend: it joins what asks, tells, leases and obeys. Loaded only where there is a
 * backend. Nothing in here fails a call.
 */
import { systemAfter } from './backend/after.ts';
import { BackendClient } from './backend/client.ts';
import { BackendLink, type LinkListener } from './backend/link.ts';
import { realtimeChannels } from './backend/realtime.ts';
import { isPooled, type Pool } from './budget/pool.ts';
import type { BackendStatus } from './backend-status.ts';
import type { AdjustedClock } from './clock.ts';
import type { BackendAccess } from './config/policy.ts';
import { declarationOf } from './declaration.ts';
import { Delivery } from './delivery.ts';
import { deskOf, type DeskShare } from './desks.ts';
import type { Engine } from './engine.ts';
import { LimitChanges } from './limit-changes.ts';
import { FIRST_ANSWER_MS, Opening } from './opening.ts';
import type { EventRecorder } from './recorder.ts';
import { RemoteStops } from './remote-stops.ts';
import { Reconciliation } from './resume.ts';
import { SpendKeeper } from './spend-keeper.ts';
import { isNode } from './store.ts';
import { Notice } from './telemetry/notice.ts';
import { BackendError } from './wire/backend-error.ts';
import type { AgentState, ConnectAnswer, LimitHolder, Rejection } from './wire/index.ts';

/** How long `flush()` and `close()` try to deliver. */
const FLUSH_MS = 5_000;

/** The same for a process that is about to end by itself. */
const LEAVE_MS = 2_000;

/** Differences of the clocks below this are the network's. */
const OFFSET_FROM_MS = 1_000;

/** One guard's connection. */
export class Connected implements LinkListener {
  readonly #engine: Engine;
  readonly #recorder: EventRecorder;
  readonly #clock: AdjustedClock;
  readonly #instance: string = crypto.randomUUID();
  readonly #client: BackendClient;
  readonly #link: BackendLink;
  readonly #share: DeskShare;
  readonly #totals: Reconciliation;
  readonly #limits: LimitChanges;
  readonly #stops: RemoteStops;
  readonly #delivery: Delivery;
  readonly #opening: Opening;
  readonly #notice: Notice;
  readonly #opened: Promise<void>;
  #leftover: Promise<void> = Promise.resolve();
  #completed: Promise<void> = Promise.resolve();
  /** The backend knows this agent's budgets. */
  #isDeclared = false;
  #isFresh = false;
  /** Takes back what is to be done when the process ends. */
  readonly #takeBack: (() => void)[] = [];

  constructor(engine: Engine, recorder: EventRecorder, access: BackendAccess, clock: AdjustedClock) {
    const { policy, budgets } = engine;
    this.#engine = engine;
    this.#recorder = recorder;
    this.#clock = clock;
    this.#client = new BackendClient(access);
    this.#notice = new Notice(clock);
    this.#totals = new Reconciliation(engine, recorder.origin);
    this.#limits = new LimitChanges({
      clock,
      idOf: (pool) => this.#totals.idOf(pool),
      tell: (budgetId, value) => this.#client.setLimit(budgetId, value),
      onRefused: () => void this.#link.refresh(),
    });
    this.#stops = new RemoteStops(engine, () => void this.#link.refresh());
    this.#delivery = new Delivery({
      access,
      instance: this.#instance,
      clock,
      isReady: () => this.#isDeclared,
      send: (request) => this.#client.ingest(request),
      onAnswer: (answer, events) => {
        this.#stops.accepted('ingest');
        this.#totals.delivered(answer, events);
        for (const state of answer.agents) this.#link.observe(state);
      },
      onComplete: () => this.#complete(),
      onRejection: (reason) => this.#reject(reason, 'ingest'),
    });
    this.#link = new BackendLink({
      client: this.#client,
      request: () => {
        this.#delivery.mark();
        return declarationOf(engine, this.#instance);
      },
      listener: this,
      openChannel: realtimeChannels(),
      clock: clock.base,
    });
    const terms = { maxCallMs: policy.maxCallMs, isLocalFallback: policy.poolsLocally };
    this.#share = deskOf(
      access,
      { instance: this.#instance, clock, ...terms },
      {
        agent: policy.agentName,
        authority: {
          leases: (request) => this.#client.leases(request).catch((error: unknown) => this.#rethrow(error)),
        },
        isStopped: () => engine.killSwitch.isRemote,
        observe: (state) => this.#link.observe(state),
      },
    );
    for (const pool of budgets.pools) if (isPooled(pool)) this.#share.desk.attach(pool, terms);
    this.#opening = new Opening(engine, () => this.#isLate());
    this.#opened = this.#open();
  }

  /** What `status()` shows. */
  get status(): BackendStatus {
    const { state, isLive } = this.#link;
    const isWaitedFor = state !== 'connecting' || !this.#opening.isOpen;
    const { pending, dropped } = this.#delivery.status;
    const total = dropped + this.#recorder.lost;
    return { state: isWaitedFor ? state : 'unavailable', realtime: isLive, pending, dropped: total };
  }

  /** Whether code may change a limit, as far as is known. Where it may not, the log says so. */
  mayChange(pool: Pool, value: number): boolean {
    return this.#limits.mayChange(pool, value);
  }

  /** Changes a limit for all processes; where the backend can't be asked now, as soon as it can. */
  async setLimit(pool: Pool, value: number): Promise<void> {
    await this.#limits.set(pool, value);
  }

  /** Delivers what is written down. */
  async flush(): Promise<void> {
    await this.#opened;
    await this.#delivery.flush(FLUSH_MS);
  }

  /** Whether there is something to tell that was not there when the process was last about to end. */
  get hasWork(): boolean {
    return this.#isFresh;
  }

  /** What a process that ends by itself still does. */
  async leave(): Promise<void> {
    this.#isFresh = false;
    await this.#share.desk.giveBack();
    await this.#delivery.flush(LEAVE_MS);
  }

  /** Gives leases back, delivers, and ends all connections. */
  async close(): Promise<void> {
    await this.#opened;
    for (const takeBack of this.#takeBack) takeBack();
    this.#opening.open();
    // What the backend does not take by then is taken back when it expires, and told by the next process.
    await Promise.race([this.#share.release(), new Promise<void>((resolve) => systemAfter(FLUSH_MS, resolve))]);
    await this.#delivery.close(this.#link.state === 'connected' ? FLUSH_MS : FLUSH_MS / 5);
    await this.#link.close();
    await this.#delivery.release();
  }

  onConnect(answer: ConnectAnswer, offsetMs: number): void {
    this.#setClock(Math.abs(offsetMs) < OFFSET_FROM_MS ? 0 : Math.round(offsetMs));
    this.#stops.accepted('connect');
    for (const state of answer.budgets) {
      const takesLimit = (known: Pool): boolean => this.#limits.learn(known, state.limit, state.managedBy);
      const pool = this.#totals.learn(state, this.#delivery.isBeside, takesLimit);
      if (pool !== undefined && isPooled(pool)) this.#share.open(pool, state.budgetId);
    }
    if (!this.#isDeclared) {
      this.#isDeclared = true;
      if (!this.#totals.isComplete) this.#leftover = this.#catchUp();
    }
    void this.#limits.tellAll();
    void this.#leftover.then(() => this.#opening.open());
  }

  onAgentState(state: AgentState): void {
    this.#stops.observe(state);
  }

  onLimit(budgetId: string, limit: number, managedBy: LimitHolder): void {
    const pool = this.#totals.poolOf(budgetId);
    if (pool !== undefined && this.#limits.learn(pool, limit, managedBy)) this.#engine.applyLimit(pool, limit);
  }

  onRejection(reason: Rejection): void {
    this.#reject(reason, 'connect');
  }

  onUnavailable(error: BackendError): void {
    this.#goOnAlone(error.message);
    this.#opening.open();
  }

  async #open(): Promise<void> {
    // Before the store is opened, which writes at the exit what is charged here.
    if (isNode()) this.#takeBack.push((await import('./node/at-exit.ts')).atExit(() => this.#engine.leave()));
    const journal = await this.#delivery.open();
    if (journal !== undefined) this.#totals.keeper = new SpendKeeper(this.#engine, journal);
    this.#totals.isComplete = !this.#delivery.hasLeftovers;
    // Until the backend has counted them, what this machine kept is more than what the backend says.
    if (!this.#totals.isComplete || this.#opening.isOpen) this.#totals.keeper?.takeUp();
    const { lost } = this.#recorder;
    if (lost > 0)
      this.#notice.say(`${lost} events came before they could be kept, and are lost. Limits still hold.`, lost);
    this.#recorder.attach((event) => {
      this.#isFresh = true;
      this.#delivery.append(event);
    });
    if (isNode()) this.#takeBack.push((await import('./node/before-exit.ts')).beforeExit(this));
    this.#link.start();
  }

  /** Windows and events go by the backend's clock; what was counted and written down before it was known, too. */
  #setClock(offsetMs: number): void {
    const before = this.#clock.now();
    this.#clock.offset = offsetMs;
    if (this.#isDeclared) return;
    this.#recorder.knowsTime();
    if (offsetMs === 0) return;
    this.#delivery.retime(offsetMs);
    if (this.#totals.carry(before)) this.#totals.isComplete = false;
  }

  /** The backend has not said in time what was spent before, or not taken what an earlier process had to tell. */
  #isLate(): void {
    if (!this.#isDeclared)
      this.#goOnAlone(`connect: the backend has not answered within ${FIRST_ANSWER_MS / 1_000} s.`);
  }

  /** Without its backend a guard goes by what this machine kept. */
  #goOnAlone(why: string): void {
    const { agentName } = this.#engine.policy;
    this.#notice.say(`agent ${agentName}: ${why} Its own limits hold meanwhile, and events are kept.`);
    this.#share.lost();
    this.#totals.keeper?.takeUp();
  }

  #reject(reason: Rejection, request: 'connect' | 'ingest'): void {
    this.#stops.reject(reason, request);
    this.#share.lost();
    this.#opening.open(); // the kill refuses now
  }

  /** All that earlier processes left behind is delivered: the backend's totals are the whole truth now, and are read again. */
  #complete(): void {
    if (this.#totals.isComplete) return;
    this.#totals.isComplete = true;
    if (this.#isDeclared) this.#completed = this.#link.refresh();
  }

  async #catchUp(): Promise<void> {
    await this.#delivery.catchUp(FIRST_ANSWER_MS);
    await this.#completed;
  }

  #rethrow(error: unknown): never {
    if (error instanceof BackendError && error.reason !== undefined) this.#reject(error.reason, 'connect');
    throw error;
  }
}
