/**
 * The talk between a process and the authority of its shared budgets: one request at a time, in batches, and after a failure
 * ever more rarely. It knows whether the authority can be reached.
 */
import type { AgentState, LeaseAnswer, LeasesAnswer, LeasesRequest } from '../wire/index.ts';
import { WIRE_LIMITS } from '../wire/index.ts';
import type { LeaseClock, Moment } from './lease.ts';
import { isKnown, type Asked, type LeasedAccount } from './leased-account.ts';

/** Grants slices of the budgets that it is the authority of. */
export interface LeaseAuthority {
  /** Answers, or fails within seconds: nothing else is asked meanwhile. */
  leases(request: LeasesRequest): Promise<LeasesAnswer>;
  /** Whether the next request goes out as another agent than this one, which is stopped and gets nothing. */
  mayAskAgain?(agent: string): boolean;
}

/** Who asks, whom, and who is told. */
export interface LeaseExchangeOptions {
  readonly authority: LeaseAuthority;
  /** This process, a UUID. */
  readonly instance: string;
  /** The agent whose state the answers carry. */
  readonly agent: string;
  readonly clock: LeaseClock;
  readonly onState?: (state: AgentState) => void;
}

/** What an exchange is driven by. */
export interface LeaseExchangeParts {
  /** All that there is to say now. */
  readonly due: () => Asked[];
  /** The authority can be reached again, or no more. */
  readonly onReachable: () => void;
}

/** After a failure the authority is not asked again for so long, twice as long after each further one, up to a limit. */
const PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;

/** One process's talk with one authority. */
export class LeaseExchange {
  readonly #options: LeaseExchangeOptions;
  readonly #parts: LeaseExchangeParts;
  #isReachable: boolean | undefined;
  #asking: Promise<void> | undefined;
  #failures = 0;
  #pauseUntil = Number.NEGATIVE_INFINITY;

  constructor(options: LeaseExchangeOptions, parts: LeaseExchangeParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Whether the authority could not be reached when it was last tried. */
  get isLost(): boolean {
    return this.#isReachable === false;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Asks for all that is due, unless that is under way. */
  ask(): void {
    this.#asking ??= this.#askWhileDue();
  }

  /** Waits for what is under way, and asks once more, whatever failed before. */
  async askOnceMore(): Promise<void> {
    await this.#asking;
    this.hurry();
    this.ask();
    await this.#asking;
  }

  /** The next question need not wait for the end of a pause. */
  hurry(): void {
    this.#pauseUntil = Number.NEGATIVE_INFINITY;
  }

  /** The authority has answered. */
  reached(): void {
    this.#failures = 0;
    this.#set(true);
  }

  /** The authority can't be reached. */
  lost(): void {
    this.#set(false);
  }

  #set(isReachable: boolean): void {
    if (this.#isReachable === isReachable) return;
    this.#isReachable = isReachable;
    this.#parts.onReachable();
  }

  /** Asks for all that is needed, and again for what comes up meanwhile. */
  async #askWhileDue(): Promise<void> {
    try {
      await Promise.resolve(); // calls that come together ask together
      for (let asked = this.#due(); asked.length > 0; asked = this.#due()) await this.#send(asked);
    } finally {
      this.#asking = undefined;
    }
  }

  #due(): Asked[] {
    return this.#options.clock.monotonic() < this.#pauseUntil ? [] : this.#parts.due();
  }

  async #send(asked: readonly Asked[]): Promise<void> {
    const { authority, instance, agent, clock, onState } = this.#options;
    const sentAt = { now: clock.now(), monotonic: clock.monotonic() };
    // From here on no more is relied on than the requests say.
    for (const { leased } of asked) leased.account.recount();
    for (let from = 0; from < asked.length; from += WIRE_LIMITS.leases) {
      const batch = asked.slice(from, from + WIRE_LIMITS.leases);
      let answer: LeasesAnswer;
      try {
        answer = await authority.leases({ instance, agent, leases: batch.map(({ request }) => request) });
      } catch {
        this.#failed(); // whoever calls the authority reports why; here it only matters that there is no answer
        return;
      }
      if (!this.#take(batch, answer, sentAt)) return;
      onState?.(answer.state);
    }
  }

  /** Takes all answers of a batch before it books any: their totals may contain each other's. @returns false where one is missing */
  #take(batch: readonly Asked[], { leases, state }: LeasesAnswer, sentAt: Moment): boolean {
    const answers = new Map(leases.map((answer) => [answer.leaseId, answer]));
    const stop = !state.killed ? 'none' : this.#options.authority.mayAskAgain?.(state.agent) === true ? 'one' : 'all';
    const booked = new Map<LeasedAccount, LeaseAnswer>();
    for (const asked of batch) {
      const answer = answers.get(asked.lease.id);
      if (answer === undefined) continue;
      asked.leased.take(asked, answer, sentAt, stop);
      if (isKnown(answer) || !booked.has(asked.leased)) booked.set(asked.leased, answer);
    }
    const isWhole = batch.every(({ lease }) => answers.has(lease.id));
    if (isWhole) this.reached();
    else this.#failed(); // or it would be asked again at once
    for (const [leased, answer] of booked) leased.book(answer);
    return isWhole;
  }

  #failed(): void {
    const pause = Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#pauseUntil = this.#options.clock.monotonic() + pause;
    this.lost();
  }
}
