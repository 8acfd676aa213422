/**
 * Several processes on one budget, and all that goes wrong with machines and networks. After each event it checks what
 * holds at every moment, and throws where it does not.
 */
import type { CallPlan } from './leasing-process.ts';
import { FakeAuthority } from './fake-authority.ts';
import type { Journey } from './fake-network.ts';
import { LeasingProcess, SHARED, Truth, type World } from './leasing-process.ts';
import { Timeline, type Skew } from './timeline.ts';

const LIMIT = 600;
const LEASE_MS = 20_000;
export const MAX_CALL_MS = 12_000;
const MARGIN_MS = 5_000;
/** The longest that a request travels either way. */
export const MAX_DELAY_MS = 30_000;
/** After so long a lease of a process that vanished is charged and gone, whatever was on its way. */
const RECLAIMED_MS = MAX_DELAY_MS + LEASE_MS + MAX_CALL_MS + MARGIN_MS + 10_000;

/** What happens; `which` picks one of the processes that run. */
export type Step =
  | { readonly do: 'pass'; readonly ms: number }
  | ({ readonly do: 'call'; readonly which: number } & CallPlan)
  | { readonly do: 'charge'; readonly which: number; readonly amount: number }
  | { readonly do: 'crash'; readonly which: number }
  | { readonly do: 'start' }
  | { readonly do: 'network'; readonly which: number; readonly journeys: readonly Journey[] }
  | { readonly do: 'down'; readonly ms: number }
  | { readonly do: 'sleep'; readonly which: number; readonly ms: number }
  | { readonly do: 'jump'; readonly which: number; readonly ms: number }
  | { readonly do: 'limit'; readonly factor: number }
  | { readonly do: 'close'; readonly which: number };

/** What a simulation is about. */
export interface Rules {
  readonly period: 'total' | 'hourly';
  readonly start: number;
  /** Only what a guard in `hard` does: no charges without a reservation, and the limit stays. */
  readonly isStrict: boolean;
}

/** The world. */
export class Simulation implements World {
  readonly timeline: Timeline;
  readonly authority: FakeAuthority;
  readonly truth = new Truth();
  readonly maxCallMs = MAX_CALL_MS;
  readonly processes: LeasingProcess[] = [];
  limit = LIMIT;
  highest = LIMIT;
  readonly #closed = new Set<LeasingProcess>();
  #skews: readonly Skew[];

  constructor(
    readonly rules: Rules,
    skews: readonly Skew[],
  ) {
    this.#skews = skews;
    this.timeline = new Timeline(rules.start);
    this.authority = new FakeAuthority(() => this.timeline.now, { leaseMs: LEASE_MS, marginMs: MARGIN_MS });
    this.authority.declare(SHARED, LIMIT, rules.period);
    this.timeline.onEvent = () => this.check();
    const job = (): void => {
      this.authority.expireLeases();
      this.timeline.plan(5_000, job);
    };
    job();
    for (const one of skews) this.start(one);
  }

  start(one: Skew): void {
    this.processes.push(new LeasingProcess(this, LIMIT, this.rules.period, one));
  }

  /** Those that still run. */
  get live(): LeasingProcess[] {
    return this.processes.filter((process) => process.isAlive);
  }

  pick(index: number): LeasingProcess | undefined {
    const { live } = this;
    const process = live[index % Math.max(1, live.length)];
    return process?.machine.isRunning === true ? process : undefined;
  }

  async run(given: Step): Promise<void> {
    if (given.do === 'pass') await this.timeline.pass(given.ms);
    else if (given.do === 'start') this.start(this.#skews[0] ?? {});
    else if (given.do === 'down') this.down(given.ms);
    else if (given.do === 'limit') this.setLimit(given.factor);
    else this.runIn(given, this.pick(given.which));
    this.check();
  }

  runIn(given: Extract<Step, { which: number }>, process: LeasingProcess | undefined): void {
    if (process === undefined) return;
    if (given.do === 'call' && !this.#closed.has(process)) process.call(given);
    if (given.do === 'charge' && !this.rules.isStrict && !this.#closed.has(process)) process.charge(given.amount);
    if (given.do === 'crash' && this.live.length > 1) process.crash();
    if (given.do === 'network') {
      let next = 0;
      process.network.journey = () => given.journeys[(next += 1) % given.journeys.length]!;
    }
    // A clock that is set back in the last moment before a sleep hides the sleep, and nobody can know of it.
    if (given.do === 'sleep' && this.timeline.now - process.jumpedAt > 300) {
      process.machine.sleep();
      this.timeline.plan(given.ms, () => process.machine.wake());
    }
    if (given.do === 'jump' && this.rules.period === 'total') process.jump(given.ms);
    if (given.do === 'close' && this.live.length - this.#closed.size > 1) this.close(process);
  }

  close(process: LeasingProcess): void {
    this.#closed.add(process);
    void process.desk.close();
  }

  isClosed(process: LeasingProcess): boolean {
    return this.#closed.has(process);
  }

  down(ms: number): void {
    for (const { network } of this.processes) network.isDown = true;
    this.timeline.plan(ms, () => {
      for (const { network } of this.processes) network.isDown = false;
    });
  }

  setLimit(factor: number): void {
    if (this.rules.isStrict) return;
    this.limit = Math.max(1, Math.round(LIMIT * factor));
    this.highest = Math.max(this.highest, this.limit);
    this.authority.setLimit(SHARED, this.limit);
  }

  /** What holds at every moment. */
  check(): void {
    for (const [start, billed] of this.truth.billed)
      if (billed > this.highest) broken(`${start}: ${billed} billed`, `at most ${this.highest}`);
    for (const [start, { leased, spent }] of this.authority.windows(SHARED)) {
      if (leased < 0) broken(`${start}: ${leased} leased`, 'not negative');
      if (this.rules.isStrict && spent + leased > LIMIT) broken(`${start}: ${spent} + ${leased}`, 'within the limit');
    }
    for (const process of this.live) this.#checkProcess(process);
  }

  /** A process never relies on more than the authority holds for it. */
  #checkProcess({ machine, pool, desk, calls }: LeasingProcess): void {
    if (!machine.isRunning) return;
    for (const account of pool.allAccounts()) {
      const lease = desk.leaseOf(account);
      if (lease?.isUsable !== true) continue;
      const row = this.authority.leaseRows.get(lease.id);
      const given = Math.max(lease.granted, account.ceiling - account.foreign - lease.base);
      if (row?.state !== 'open' || row.granted < given)
        broken(`${row?.state} ${row?.granted}`, `open, at least ${given}`);
    }
    const passing = calls.find(({ hasPassed }) => hasPassed);
    if (passing !== undefined) broken('a call', 'in the order of arrival');
    if (calls.some(({ ends }) => ends > 1)) broken('a reservation', 'ended once');
  }

  /** All networks work again, all machines are awake, and all calls end. */
  async heal(): Promise<void> {
    for (const { network, machine } of this.processes) {
      network.journey = () => ({ there: 20, back: 20 });
      network.isDown = false;
      if (!machine.isRunning && this.live.some((process) => process.machine === machine)) machine.wake();
    }
    await this.timeline.pass(RECLAIMED_MS);
  }
}

/** What is, and what should be. */
function broken(found: string, wanted: string): never {
  throw new Error(`${found}, expected ${wanted}`);
}
