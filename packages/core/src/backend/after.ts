/** Waiting that never keeps a process alive, and how long to wait between attempts. Both are passed in by tests. */

/** Calls `callback` once, `ms` from now, unless the returned function is called before. */
export type After = (ms: number, callback: () => void) => () => void;

/** The longest that a timer of JavaScript can be set to; a longer one would go off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The real timer. A process may end while it runs. */
export const systemAfter: After = (ms, callback) => {
  const timer = setTimeout(callback, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
  // Browsers count their timers, and have nothing to unref.
  if (typeof timer === 'object') timer.unref();
  return () => clearTimeout(timer);
};

const FIRST_CEILING_MS = 250;
const LAST_CEILING_MS = 30_000;

/**
 * Milliseconds to wait before the next attempt, with full jitter: anything from 0 to a ceiling that doubles from 0.25 s to 30 s,
 * so that many processes do not come back at once.
 *
 * @param attempt failed attempts so far, from 0
 * @param random from 0 to 1
 */
export function backoff(attempt: number, random: () => number): number {
  return random() * Math.min(LAST_CEILING_MS, FIRST_CEILING_MS * 2 ** Math.min(attempt, 20));
}
