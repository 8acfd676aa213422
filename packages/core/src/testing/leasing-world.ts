/** A small world for tests of leases: one budget, its authority, and processes with a network of 20 ms either way. */
import type { BudgetPeriod } from '../budget/window.ts';
import { FakeAuthority } from './fake-authority.ts';
import { LeasingProcess, SHARED, Truth, type World } from './leasing-process.ts';
import { Timeline, type Skew } from './timeline.ts';

/** There and back. */
export const ROUND_TRIP_MS = 40;

/** One budget and whoever shares it. */
export class LeasingWorld implements World {
  readonly timeline: Timeline;
  readonly authority: FakeAuthority;
  readonly truth = new Truth();
  readonly maxCallMs = 600_000;
  readonly #limit: number;
  readonly #period: BudgetPeriod;

  constructor(limit = 1_000, period: BudgetPeriod = 'total', start?: number) {
    this.#limit = limit;
    this.#period = period;
    this.timeline = new Timeline(start);
    this.authority = new FakeAuthority(() => this.timeline.now);
    this.authority.declare(SHARED, limit, period);
  }

  /** A process that shares the budget. */
  start(skew: Skew = {}, isLocalFallback = false): LeasingProcess {
    const process = new LeasingProcess(this, this.#limit, this.#period, skew, isLocalFallback);
    process.network.journey = () => ({ there: ROUND_TRIP_MS / 2, back: ROUND_TRIP_MS / 2 });
    return process;
  }

  /** Lets time pass. */
  pass(ms: number): Promise<void> {
    return this.timeline.pass(ms);
  }

  /** What is granted and not reported as used. */
  get leased(): number {
    return this.authority.window(SHARED).leased;
  }

  get spent(): number {
    return this.authority.window(SHARED).spent;
  }
}
