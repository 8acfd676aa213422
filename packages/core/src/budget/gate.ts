/** Holds calls back while the backend is asked what was spent before: a restarted process must not start from zero. */
import type { Lender } from './pool.ts';

/** Gives no room yet; whoever comes waits. */
export const GATE: Lender = {
  ceilingOf: () => 0,
  check: () => undefined,
  wanted: () => undefined,
  mayGrow: () => true,
  isCutOff: () => false,
};
