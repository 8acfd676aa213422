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
