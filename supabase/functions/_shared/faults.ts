/** What a schema found wrong, in the words of the API. */
import type { ZodError } from 'zod';

/** One thing wrong in a body. */
export interface Fault {
  /** Where: `budgets.0.limit`; '' for the whole. */
  readonly path: string;
  readonly message: string;
}

/** A body can be wrong in thousands of places, and a wrong name can be megabytes long. */
const MOST = 20;
const LONGEST = 300;

/** The first faults, short enough to be sent and stored. */
export function faultsOf(error: ZodError): Fault[] {
  return error.issues
    .slice(0, MOST)
    .map(({ path, message }) => ({ path: bounded(path.map(String).join('.')), message: bounded(message) }));
}

/** A fault as one line: `nano: Too small: expected number to be >=0`. */
export function faultLine({ path, message }: Fault): string {
  return bounded(path === '' ? message : `${path}: ${message}`);
}

function bounded(text: string): string {
  const clean = text.replaceAll('\0', '\uFFFD').toWellFormed();
  return clean.length <= LONGEST ? clean : `${clean.slice(0, LONGEST - 1).toWellFormed()}…`;
}
