/**
 * A process that spends from a shared budget: its own machine, network, pool and desk, and calls that keep the rules of
 * admission without a guard around them. What its calls are billed is kept outside of all that they believe.
 */
import { Budget } from '../budget/budget.ts';
import { LeaseDesk } from '../budget/lease-desk.ts';
import { admitWaiting, blocker, charge, enqueue, Reservation, type Amounts } from '../budget/ledger.ts';
import { Pool, type Account, type Waiter } from '../budget/pool.ts';
import type { BudgetPeriod } from '../budget/window.ts';
import type { LeaseRequest } from '../wire/index.ts';
import { FakeNetwork } from './fake-network.ts';
import type { FakeAuthority } from './fake-authority.ts';
import { Machine, type Skew, type Timeline } from './timeline.ts';

/** The authority's id of the one budget. */
export const SHARED = 'b';

/** How a call ended, or where it is. */
export type CallState = 'waits' | 'runs' | 'settled' | 'no backend' | 'no room' | 'held' | 'waited';

/** What a call does. */
export interface CallPlan {
  /** Its worst case. */
  readonly worst: number;
  /** The least that it can do with; `worst` where its cap can't be lowered. */
  readonly least?: number;
  /** The share of its reservation that it is billed. */
  readonly share: number;
  /** How long it runs. */
  readonly ms: number;
  readonly waitMs?: number;
}

/** What is true, whatever the processes and the authority believe. */
export class Truth {
  /** Billed for calls with a reservation, by the start of their window. */
  readonly billed = new Map<number, number>();
  /** Spent without a reservation. */
  readonly charged = new Map<number, number>();
  /** What nobody can know of processes that vanished: spent or held beyond what their leases covered. */
  readonly unknowable = new Map<number, number>();

  add(to: Map<number, number>, start: number, amount: number): void {
    to.set(start, (to.get(start) ?? 0) + amount);
  }
}

/** One call. */
export class LeasingCall implements Waiter, Amounts {
  state: CallState = 'waits';
  readonly order: number;
  /** In true time. */
  readonly arrivedAt: number;
  admittedAt: number | undefined;
  tokens = 0;
  readonly calls = 0;
  usd: number;
  reservation: Reservation | undefined;
  /** Admitted although a call that came earlier waited in the same account. */
  hasPassed = false;
  ends = 0;

  constructor(
    readonly process: LeasingProcess,
    readonly plan: CallPlan,
    order: number,
  ) {
    this.order = order;
    this.usd = plan.worst;
    this.arrivedAt = process.timeline.now;
  }

  get amounts(): { worst: number; least: number } {
    const { worst, least = worst } = this.plan;
    return { worst, least: Math.min(worst, least) };
  }

  get claim(): Waiter['claim'] {
    const { worst, least } = this.amounts;
    return { usd: worst, tokens: 0, calls: 0, least: { usd: least, tokens: 0, calls: 0 } };
  }

  begin(): void {
    const blocking = this.attempt();
    if (blocking === true) return;
    enqueue(blocking, this);
    const { waitMs = 30_000 } = this.plan;
    this.process.machine.start(waitMs === 0 ? 10_000 : waitMs, () => this.#timeUp());
  }

  attempt(): true | Account {
    if (this.state !== 'waits') return true;
    const { desk, machine, pool } = this.process;
    const account = pool.account(machine.now(), '');
    desk.check(account, machine.now(), machine.monotonic());
    if (!this.process.isLocalFallback && desk.isCutOff(account)) return this.#refuse('no backend');
    const { worst, least } = this.amounts;
    this.usd = worst;
    const isOpen = desk.mayGrow(account);
    if (blocker([account], this, this.order) !== undefined && !isOpen)
      this.usd = Math.max(least, Math.min(worst, account.room));
    if (blocker([account], this, this.order) === undefined) return this.#admit(account);
    if (isOpen) return account;
    if (least > account.pool.limit - account.spent) return this.#refuse('no room');
    return this.plan.waitMs === 0 ? this.#refuse('held') : account;
  }

  answered(): void {
    if (this.plan.waitMs !== 0 || this.state !== 'waits') return;
    const from = this.#leave();
    const result = this.attempt();
    if (result !== true) enqueue(result, this);
    if (result !== from && from !== undefined) admitWaiting(from);
  }

  #timeUp(): void {
    if (this.state !== 'waits') return;
    const account = this.#leave();
    this.state = account !== undefined && this.process.desk.isCutOff(account) ? 'no backend' : 'waited';
    if (account !== undefined) admitWaiting(account);
  }

  #leave(): Account | undefined {
    for (const account of this.process.pool.allAccounts()) {
      const index = account.queue.indexOf(this);
      if (index === -1) continue;
      account.queue.splice(index, 1);
      return account;
    }
    return undefined;
  }

  #refuse(state: CallState): true {
    this.state = state;
    return true;
  }

  #admit(account: Account): true {
    const { machine, timeline } = this.process;
    this.hasPassed = account.queue.some(({ order }) => order < this.order);
    this.state = 'runs';
    this.admittedAt = timeline.now;
    this.reservation = new Reservation([account], this.usd, 0, 0);
    this.process.running.add(this);
    const bill = Math.floor(this.usd * this.plan.share);
    // The provider goes on, whatever becomes of the process.
    timeline.plan(Math.min(this.plan.ms, this.process.maxCallMs), () => this.#bill(account, bill));
    machine.start(Math.min(this.plan.ms, this.process.maxCallMs), () => this.#settle(bill));
    return true;
  }

  #bill(account: Account, bill: number): void {
    this.process.truth.add(this.process.truth.billed, account.window.start, bill);
  }

  #settle(bill: number): void {
    this.process.running.delete(this);
    this.state = 'settled';
    if (this.reservation?.settle(bill, 0, 0) === true) this.ends += 1;
    if (this.reservation?.settle(bill, 0, 0) === true) this.ends += 1;
  }
}

/** What a process lives in. */
export interface World {
  readonly timeline: Timeline;
  readonly authority: FakeAuthority;
  readonly truth: Truth;
  readonly maxCallMs: number;
}

let processes = 0;

/** One process. */
export class LeasingProcess {
  readonly id = `process-${(processes += 1)}`;
  readonly machine: Machine;
  readonly network: FakeNetwork;
  readonly pool: Pool;
  readonly desk: LeaseDesk;
  readonly running = new Set<LeasingCall>();
  readonly calls: LeasingCall[] = [];
  readonly timeline: Timeline;
  readonly truth: Truth;
  readonly maxCallMs: number;
  isAlive = true;
  /** When its wall clock was last set. */
  jumpedAt = Number.NEGATIVE_INFINITY;
  #order = 0;

  constructor(
    readonly world: World,
    limit: number,
    period: BudgetPeriod,
    skew: Skew = {},
    readonly isLocalFallback = false,
  ) {
    this.timeline = world.timeline;
    this.truth = world.truth;
    this.maxCallMs = world.maxCallMs;
    this.machine = new Machine(world.timeline, skew);
    this.network = new FakeNetwork(world.authority, world.timeline, this.machine);
    this.pool = new Pool(Budget.shared('team', { limit: limit / 1e9, period }));
    this.desk = new LeaseDesk({
      authority: this.network,
      instance: this.id,
      agent: 'agent',
      maxCallMs: world.maxCallMs,
      clock: this.machine,
      timers: this.machine,
      isLocalFallback,
    });
    this.desk.attach(this.pool);
    this.desk.open(this.pool, SHARED);
  }

  get account(): Account {
    return this.pool.account(this.machine.now(), '');
  }

  /** Makes a call. */
  call(plan: CallPlan): LeasingCall {
    const call = new LeasingCall(this, plan, (this.#order += 1));
    this.calls.push(call);
    call.begin();
    return call;
  }

  /** Spends without a reservation. */
  charge(amount: number): void {
    const { account } = this;
    charge([account], amount);
    this.truth.add(this.truth.charged, account.window.start, amount);
  }

  /** Its wall clock is set. */
  jump(ms: number): void {
    this.machine.jump(ms);
    this.jumpedAt = this.timeline.now;
  }

  /** Vanishes; its calls in flight are still billed. */
  crash(): void {
    for (const account of this.pool.allAccounts()) {
      const beyond = account.own + account.reserved - this.#covered(account);
      if (beyond > 0) this.truth.add(this.truth.unknowable, account.window.start, beyond);
    }
    this.isAlive = false;
    this.machine.crash();
  }

  /** What the authority is sure to count of an account, whatever becomes of the requests that are on their way. */
  #covered(account: Account): number {
    const { start } = account.window;
    const windowStart = Number.isFinite(start) ? start : null;
    const last = new Map<string, LeaseRequest>();
    for (const { leases } of this.network.asked)
      for (const request of leases) if (request.windowStart === windowStart) last.set(request.leaseId, request);
    const present = this.desk.leaseOf(account);
    let covered = 0;
    for (const [id, request] of last) {
      const row = this.world.authority.leaseRows.get(id);
      if (row === undefined) continue;
      const reserved = row.state === 'open' ? row.granted : row.used + (row.state === 'expired' ? row.charged : 0);
      if (request.close) covered += Math.min(request.used, Math.max(row.used, reserved));
      else covered += row.state === 'open' ? Math.max(row.used, id === present?.id ? present.granted : 0) : reserved;
    }
    return covered;
  }
}
