/** Both of a guard's clocks, under a test's control. */
import type { Clock } from '../clock.ts';

/**
 * A clock that stands still until it is told otherwise.
 *
 * @example
 * const clock = new FakeClock(Date.UTC(2026, 0, 1));
 * const guard = new AgentKavach({ budget: Budget.daily(1), clock });
 * clock.advance(86_400_000); // the next day
 */
export class FakeClock implements Clock {
  #now: number;
  #monotonic = 0;

  /** @param now where the wall clock begins, in milliseconds since the Unix epoch. Default 1 January 2026, 12:00 UTC */
  constructor(now: number = Date.UTC(2026, 0, 1, 12)) {
    this.#now = now;
  }

  /** Wall-clock milliseconds. */
  now(): number {
    return this.#now;
  }

  /** Milliseconds since the clock was made; it never goes backwards. */
  monotonic(): number {
    return this.#monotonic;
  }

  /** Lets time pass on both clocks. */
  advance(ms: number): void {
    this.#now += ms;
    this.#monotonic += ms;
  }

  /** Moves the wall clock alone, backwards too, as a time server would. */
  set(now: number): void {
    this.#now = now;
  }
}
