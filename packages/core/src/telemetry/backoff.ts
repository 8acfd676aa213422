/** How long to wait after a failure: exponential with full jitter, so that many processes do not come back at once. */

const FIRST_MS = 500;
const LONGEST_MS = 60_000;
/** A backend that says "tomorrow" is asked again much sooner: its limit may have been raised. */
const LONGEST_RETRY_AFTER_MS = 300_000;

/**
 * Milliseconds until the next attempt.
 *
 * @param failures in a row, the present one included
 * @param retryAfterMs what the backend asked for: never less than that, up to five minutes
 * @param random 0 ≤ x < 1
 */
export function backoffMs(failures: number, retryAfterMs: number | undefined, random: () => number): number {
  const jitter = random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20));
  if (retryAfterMs === undefined || !(retryAfterMs > 0)) return jitter;
  return Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS) + Math.min(jitter, 1_000);
}
