/** What must hold after a run, whatever died in it. */
import type { Outcome } from './run.ts';
import type { Ledger } from './world.ts';

/** Dollars that the sums of floating-point figures may be off. */
const DUST = 1e-8;

/** The invariants of semantics, by name. */
export interface Verdict {
  /** The provider's bill is within the limit. */
  readonly I1: boolean;
  /** Each reservation has ended, once: processes that closed hold nothing. */
  readonly I2: boolean;
  /** Nothing stays reserved. */
  readonly I3: boolean;
  /** The ledger is the bill, or more by no more than what is marked estimated. */
  readonly I4: boolean;
}

/** Judges one run. */
export function judge({ billed, limit, closed }: Outcome, ledger: Ledger): Verdict {
  const { spent, leased, openLeases, estimated, estimatedCalls } = ledger;
  return {
    I1: billed <= limit + DUST,
    I2: closed.every(({ reserved, inFlight }) => reserved === 0 && inFlight === 0),
    I3: Math.abs(leased) <= DUST && openLeases === 0,
    I4: spent >= billed - DUST && spent - billed <= estimated + estimatedCalls + DUST,
  };
}
