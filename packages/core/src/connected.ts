/**
 * The part of a guard that talks to its backend: it takes up what was spent before, leases slices of shared budgets,
 * delivers events, and obeys kills and limits. Loaded only where there is a backend. Nothing in here fails a call.
 */
import { realtimeChannels } from './backend/realtime.ts';
import { systemAfter } from './backend/after.ts';
import { BackendClient } from './backend/client.ts';
import { BackendLink, type LinkListener } from './backend/link.ts';
import { GATE } from './budget/gate.ts';
import type { LeaseDesk } from './budget/lease-desk.ts';
import { lendBy } from './budget/ledger.ts';
import { isPooled, type Pool } from './budget/pool.ts';
import { LimitChanges } from './limit-changes.ts';
import type { AdjustedClock } from './clock.ts';
import type { BackendAccess } from './config/policy.ts';
import type { BackendStatus } from './backend-status.ts';
import { deskOf, type DeskShare } from './desks.ts';
import type { Engine } from './engine.ts';
import { isNode, openStore, type Store } from './store.ts';
import type { EventRecorder } from './recorder.ts';
import { REJECTIONS, type Rejection } from './rejection.ts';
import { Reconciliation } from './resume.ts';
import { SpendKeeper } from './spend-keeper.ts';
import { Reporter } from './telemetry/reporter.ts';
import { BackendError } from './wire/backend-error.ts';
import {
  WIRE_LIMITS,
  type AgentState,
  type ConnectAnswer,
  type ConnectRequest,
  type IngestAnswer,
  type IngestRequest,
  type WireBudget,
} from './wire/index.ts';

/** How long calls wait for what an earlier process left behind to be delivered and counted. */
const LEFTOVER_MS = 3_000;

/** How long `flush()` and `close()` try to deliver. */
const FLUSH_MS = 5_000;

/** The same for a process that is about to end by itself. */
const LEAVE_MS = 2_000;

/** Differences of the clocks below this are the network's. */
const OFFSET_FROM_MS = 1_000;

/** One guard's connection. */
export class Connected implements LinkListener {
  readonly #engine: Engine;
  readonly #clock: AdjustedClock;
  readonly #instance: string = crypto.randomUUID();
  readonly #client: BackendClient;
  readonly #link: BackendLink;
  readonly #share: DeskShare;
  readonly #totals: Reconciliation;
  readonly #limits: LimitChanges;
  readonly #opened: Promise<void>;
  #store: Store | undefined;
  #reporter: Reporter | undefined;
  /** Batches that were sent, and whether one is under way. */
  #batches = 0;
  #isDelivering = false;
  /** Whether a batch was under way at some time of the present connect. */
  #wasDelivering = false;
  #batchesAtConnect = 0;
  #leftover: Promise<unknown> = Promise.resolve();
  #leftovers = 0;
  /** The backend knows this agent's budgets. */
  #isDeclared = false;
  #isFresh = false;
  #stopLeaving: () => void = () => undefined;
  #rejectedBy: 'connect' | 'ingest' | undefined;

  constructor(engine: Engine, recorder: EventRecorder, access: BackendAccess, clock: AdjustedClock) {
    const { policy, budgets } = engine;
    this.#engine = engine;
    this.#clock = clock;
    this.#client = new BackendClient(access);
    this.#totals = new Reconciliation(engine, recorder.origin);
    this.#limits = new LimitChanges({
      idOf: (pool) => this.#totals.idOf(pool),
      tell: (budgetId, value) => this.#client.setLimit(budgetId, value),
      onRefused: () => void this.#link.refresh(),
    });
    this.#link = new BackendLink({
      client: this.#client,
      request: () => this.#request(),
      listener: this,
      openChannel: realtimeChannels(),
      clock: clock.base,
    });
    const terms = { maxCallMs: policy.maxCallMs, isLocalFallback: policy.poolsLocally };
    this.#share = deskOf(
      access,
      {
        instance: this.#instance,
        clock,
        ...terms,
      },
      {
        agent: policy.agentName,
        authority: {
          leases: (request) => this.#client.leases(request).catch((error: unknown) => this.#rethrow(error)),
        },
        isStopped: () => engine.killSwitch.kill?.isRemote === true,
        observe: (state) => this.#link.observe(state),
      },
    );
    for (const pool of budgets.pools) if (isPooled(pool)) this.#share.desk.attach(pool, terms);
    this.#opened = this.#open(recorder, access);
  }

  /** What `status()` shows. */
  get status(): BackendStatus {
    const { pending = 0, dropped = 0 } = this.#reporter?.delivery ?? {};
    return { state: this.#link.state, realtime: this.#link.isLive, pending, dropped };
  }

  /** Changes a limit for all processes; where the backend can't be asked now, as soon as it can. */
  async setLimit(pool: Pool, value: number): Promise<void> {
    await this.#limits.set(pool, value);
  }

  /** Delivers what is written down. */
  async flush(): Promise<void> {
    await this.#opened;
    await this.#reporter?.flush(FLUSH_MS);
  }

  /** Whether there is something to tell that was not there when the process was last about to end. */
  get hasWork(): boolean {
    return this.#isFresh;
  }

  /** What a process that ends by itself still does. */
  async leave(): Promise<void> {
    this.#isFresh = false;
    await this.desk.giveBack();
    await this.#reporter?.flush(LEAVE_MS);
  }

  /** Gives leases back, delivers, and ends all connections. */
  async close(): Promise<void> {
    await this.#opened;
    this.#stopLeaving();
    // What the backend does not take by then is taken back when it expires, and told by the next process.
    await Promise.race([this.#share.release(), new Promise<void>((resolve) => systemAfter(FLUSH_MS, resolve))]);
    await this.#reporter?.close(this.#link.state === 'connected' ? FLUSH_MS : FLUSH_MS / 5);
    await this.#link.close();
    await this.#store?.buffer.close();
  }

  onConnect(answer: ConnectAnswer, offsetMs: number): void {
    this.#clock.offset = Math.abs(offsetMs) < OFFSET_FROM_MS ? 0 : Math.round(offsetMs);
    this.#accepted('connect');
    for (const state of answer.budgets) {
      const keepsLimit = (known: Pool): boolean => this.#limits.isUntold(known);
      const pool = this.#totals.learn(state, { isBehind: this.#isBehind, keepsLimit });
      if (pool !== undefined && isPooled(pool)) this.desk.open(pool, state.budgetId);
    }
    if (!this.#isDeclared) {
      this.#isDeclared = true;
      if (this.#leftovers > 0) this.#leftover = this.#deliverLeftovers();
    }
    void this.#limits.tellAll();
    void this.#leftover.then(() => this.#openGate());
  }

  onAgentState({ killed, reason, by }: AgentState): void {
    if (killed) this.#engine.kill(reason ?? 'manual', by ?? undefined, true);
    else if (this.#engine.killSwitch.kill?.isRemote === true) this.#engine.resume(true);
  }

  onLimit(budgetId: string, limit: number): void {
    const pool = this.#totals.poolOf(budgetId);
    if (pool !== undefined && !this.#limits.isUntold(pool)) this.#engine.applyLimit(pool, limit);
  }

  onRejection(reason: Rejection): void {
    this.#reject(reason, 'connect');
  }

  onUnavailable(error: BackendError): void {
    const { agentName } = this.#engine.policy;
    console.warn(
      `[agentkavach] agent ${agentName}: ${error.message} Its own limits hold meanwhile, and events are kept.`,
    );
    this.desk.lost();
    this.#totals.keeper?.takeUp();
    this.#openGate();
  }

  private get desk(): LeaseDesk {
    return this.#share.desk;
  }

  async #open(recorder: EventRecorder, access: BackendAccess): Promise<void> {
    const store = await openStore(access, this.#instance, this.#clock);
    this.#store = store;
    if (store.spend !== undefined) this.#totals.keeper = new SpendKeeper(this.#engine, store.spend);
    const reporter = new Reporter({
      buffer: store.buffer,
      instance: this.#instance,
      clock: this.#clock,
      send: (request) => this.#ingest(request),
      onAnswer: (answer, { events }) => {
        this.#accepted('ingest');
        this.#totals.delivered(answer, events);
        for (const state of answer.agents) this.#link.observe(state);
        void this.#lookForLeftovers();
      },
      onRejection: (reason) => this.#reject(reason, 'ingest'),
    });
    this.#reporter = reporter;
    await store.buffer.flush(); // or it has not counted what there is
    this.#leftovers = store.buffer.size;
    if (this.#leftovers > 0) {
      // Until they are counted, what this machine kept is more than what the backend says.
      this.#totals.keeper?.takeUp();
    } else this.#totals.isComplete = true;
    recorder.attach((event) => {
      this.#isFresh = true;
      reporter.append(event);
    });
    if (isNode()) this.#stopLeaving = (await import('./node/before-exit.ts')).beforeExit(this);
    this.#link.start();
  }

  #reject(reason: Rejection, by: 'connect' | 'ingest'): void {
    this.#rejectedBy = by;
    this.#engine.kill(reason, 'backend', true);
    this.desk.lost();
    this.#openGate(); // the kill refuses now
  }

  /** Lifts a rejection, once the same kind of request that it was the answer to is taken again. */
  #accepted(by: 'connect' | 'ingest'): void {
    if (this.#rejectedBy === 'connect' && by === 'ingest') void this.#link.refresh(); // what has changed, it should know soon
    if (this.#rejectedBy !== by) return;
    this.#rejectedBy = undefined;
    const { kill } = this.#engine.killSwitch;
    if (kill?.isRemote === true && REJECTIONS.some((reason) => reason === kill.reason)) this.#engine.resume(true);
  }

  /** Once all that an earlier process left behind is delivered, the backend's totals are the whole truth: they are read again. */
  #lookForLeftovers(): Promise<void> {
    const { delivered = 0, rejected = 0, dropped = 0 } = this.#reporter?.delivery ?? {};
    if (this.#totals.isComplete || delivered + rejected + dropped < this.#leftovers) return Promise.resolve();
    this.#totals.isComplete = true;
    return this.#link.refresh();
  }

  async #deliverLeftovers(): Promise<void> {
    await this.#reporter?.flush(LEFTOVER_MS);
    await this.#lookForLeftovers();
  }

  async #ingest(request: IngestRequest): Promise<IngestAnswer> {
    // An event that comes before its agent's budgets are declared is charged to none of them.
    if (!this.#isDeclared)
      throw new BackendError('ingest: the backend is not connected yet. It is tried again.', 'unavailable');
    this.#batches += 1;
    this.#isDelivering = true;
    try {
      return await this.#client.ingest(request);
    } finally {
      this.#isDelivering = false;
    }
  }

  /** Whether a batch was under way during the present connect: its answer may be from before or after that. */
  get #isBehind(): boolean {
    return this.#wasDelivering || this.#batches !== this.#batchesAtConnect;
  }

  /** Lets calls in: what was spent before is known now, or can't be asked for. */
  #openGate(): void {
    for (const pool of this.#engine.budgets.pools) if (pool.lender === GATE) lendBy(pool, undefined);
  }

  #rethrow(error: unknown): never {
    if (error instanceof BackendError && error.reason !== undefined) this.#reject(error.reason, 'connect');
    throw error;
  }

  #request(): ConnectRequest {
    this.#wasDelivering = this.#isDelivering;
    this.#batchesAtConnect = this.#batches;
    const { policy, budgets } = this.#engine;
    const declared = budgets.pools.slice(0, WIRE_LIMITS.budgets).map(({ budget }, index): WireBudget => {
      const { scope, name, unit, period, timeZone, limit } = budget;
      return { id: budgets.ids[index] ?? period, scope, name: name ?? null, unit, period, timeZone, limit };
    });
    return { sdk: 'js/0.1.0', instance: this.#instance, agent: policy.agentName, budgets: declared };
  }
}
