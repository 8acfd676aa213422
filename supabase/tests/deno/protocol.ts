/** What a test's process and its Deno say to each other. */
import type { Settings } from '../../functions/_shared/dependencies.ts';

/** A header of every answer: `Deno 2.1.4`. */
export const ANSWERED_BY = 'x-answered-by';

/** A header of every request to a handler that a test has made: a `Told`, as JSON, percent-encoded. */
export const TOLD = 'x-test-told';

/** Which handler is asked, and the dependencies that the test gave to it. */
export interface Told {
  /** One for each call of `handler(dependencies)`. */
  readonly app: number;
  /** The function's name. */
  readonly name: string;
  /** One for each object of dependencies. */
  readonly dependencies: number;
  readonly settings: Settings;
  readonly databaseUrl: string;
  /** The test's clock at the time of the request, in milliseconds. */
  readonly now: number;
  /** Where the test's process takes an `Outgoing`, and answers with an `Incoming`. */
  readonly network: string;
}

/** A request that a handler has sent through its `fetch`. */
export interface Outgoing {
  readonly dependencies: number;
  readonly url: string;
  readonly init: {
    readonly method: string;
    readonly headers: [string, string][];
    readonly redirect: RequestRedirect;
    readonly body: string | null;
  };
}

/** What came of it. */
export type Incoming =
  | { readonly failure: string }
  | { readonly status: number; readonly headers: [string, string][]; readonly body: string | null };
