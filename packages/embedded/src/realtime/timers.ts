/** The clock and the alarms that Realtime runs on; replaced in tests. */
export interface Timers {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls once after `ms`, unless what it returns is called before. */
  after(ms: number, call: () => void): () => void;
}

/** Node runs longer ones at once. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemTimers: Timers = {
  now: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, Math.min(Math.max(ms, 0), LONGEST_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
