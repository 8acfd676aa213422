/** The two clocks that the engine reads; replace both in tests and simulations. */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch: decides which window a call falls in. */
  now(): number;
  /** Milliseconds that never go backwards: measures how long something took. */
  monotonic(): number;
}

/** The real clocks. Read through the globals at call time, so that a test's fake timers apply. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** A clock whose wall time is set by the backend's: both must find the same windows. */
export class AdjustedClock implements Clock {
  /** Milliseconds that the backend's clock is ahead. */
  offset = 0;

  constructor(readonly base: Clock) {}

  now(): number {
    return this.base.now() + this.offset;
  }

  monotonic(): number {
    return this.base.monotonic();
  }
}
