/** How fast a process spends from an account, and when it last did: what a slice of it should be sized by. */
import type { LeaseClock } from './lease.ts';
import type { Account } from './pool.ts';

/** The pace of one account. */
export class LeasePace {
  readonly #account: Account;
  readonly #clock: LeaseClock;
  /** Amount per millisecond, smoothed. */
  #perMs = 0;
  #sample: { readonly own: number; readonly reserved: number; readonly at: number };
  #usedAt = Number.NEGATIVE_INFINITY;

  constructor(account: Account, clock: LeaseClock) {
    this.#account = account;
    this.#clock = clock;
    this.#sample = { own: account.own, reserved: account.reserved, at: clock.monotonic() };
  }

  /** Takes a sample. */
  look(): void {
    const at = this.#clock.monotonic();
    const passed = at - this.#sample.at;
    if (passed <= 0) return;
    const { own, reserved, queue } = this.#account;
    if (own !== this.#sample.own || reserved !== this.#sample.reserved || queue.length > 0) this.#usedAt = at;
    const pace = Math.max(0, own - this.#sample.own) / passed;
    this.#perMs = pace > this.#perMs ? pace : (this.#perMs * 3 + pace) / 4;
    this.#sample = { own, reserved, at };
  }

  /** A call is about to use it. */
  touch(): void {
    this.#usedAt = this.#clock.monotonic();
  }

  /** What is spent within so many milliseconds, as things are. */
  within(ms: number): number {
    return this.#perMs * ms;
  }

  /** Milliseconds since a call came, ended or waited. */
  get idleMs(): number {
    return this.#clock.monotonic() - this.#usedAt;
  }
}
