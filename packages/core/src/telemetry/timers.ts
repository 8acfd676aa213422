/** Timers that a test can hold in its hand. */

/** Starts timers. */
export interface Timers {
  /**
   * Calls `fn` once, after `ms` milliseconds.
   *
   * @param hold whether the process stays for it. Default false: telemetry keeps no process alive
   * @returns a function that cancels it
   */
  start(ms: number, fn: () => void, hold?: boolean): () => void;
}

/** The real timers. */
export const systemTimers: Timers = {
  start(ms, fn, hold = false) {
    const timer: unknown = setTimeout(fn, ms);
    // In Node it is an object that would keep the process; in browsers a number.
    if (!hold && isUnrefable(timer)) timer.unref();
    return () => clearTimeout(timer as ReturnType<typeof setTimeout>);
  },
};

function isUnrefable(timer: unknown): timer is { unref(): void } {
  return typeof timer === 'object' && timer !== null && 'unref' in timer;
}
