/**
 * Takes slices of shared budgets from their authority, for all guards of a process that use the same backend: ahead of
 * need, in the background, one request at a time. The hot path only reads what it has brought.
 */
import type { AgentState, LeaseAnswer, LeasesAnswer, LeasesRequest } from '../wire/index.ts';
import { WIRE_LIMITS } from '../wire/index.ts';
import type { Lease, LeaseClock, Moment } from './lease.ts';
import { LeasedAccount, type Asked } from './leased-account.ts';
import { lendBy, recount } from './ledger.ts';
import type { Account, Lender, Pool } from './pool.ts';

/** Grants slices of the budgets that it is the authority of. */
export interface LeaseAuthority {
  /** Answers, or fails within seconds: nothing else is asked meanwhile. */
  leases(request: LeasesRequest): Promise<LeasesAnswer>;
  /** Whether the next request goes out as another agent than this one, which is stopped and gets nothing. */
  mayAskAgain?(agent: string): boolean;
}

/** Starts the timer of a desk. */
export interface DeskTimers {
  /** Calls `fn` once, after `ms` milliseconds; keeps no process alive. @returns a function that cancels it */
  start(ms: number, fn: () => void): () => void;
}

/** What a guard that shares a desk asks of it. */
export interface DeskTerms {
  /** No call of the guard lasts longer. */
  readonly maxCallMs: number;
  /** Without the authority, calls go by the limit and by what is known of others' spend, instead of being refused. */
  readonly isLocalFallback: boolean;
}

/** What a desk is made of. */
export interface LeaseDeskOptions extends DeskTerms {
  readonly authority: LeaseAuthority;
  /** This process, a UUID. */
  readonly instance: string;
  /** The agent whose state the answers carry. */
  readonly agent: string;
  readonly clock: LeaseClock;
  readonly timers?: DeskTimers | undefined;
  readonly onState?: (state: AgentState) => void;
}

/** How often slices are looked at. */
const LOOK_MS = 250;

/** After a failure the authority is not asked again for so long, twice as long after each further one, up to a limit. */
const PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;

/** A desk that is closed gives up after so many failures in a row. */
const LAST_FAILURES = 20;

interface Book {
  budgetId: string | undefined;
  isLocalFallback: boolean;
  readonly accounts: Map<Account, LeasedAccount>;
}

/** The leases of one process at one backend. */
export class LeaseDesk implements Lender {
  readonly #options: LeaseDeskOptions;
  readonly #timers: DeskTimers;
  readonly #books = new Map<Pool, Book>();
  #maxCallMs: number;
  #isReachable: boolean | undefined;
  #asking: Promise<void> | undefined;
  #cancelLook: (() => void) | undefined;
  #isClosing = false;
  #failures = 0;
  #pauseUntil = Number.NEGATIVE_INFINITY;

  constructor(options: LeaseDeskOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#maxCallMs = options.maxCallMs;
  }

  /**
   * Lends to a pool from now on; calls wait until the budget is {@link open}.
   *
   * @param terms of a guard that joins: the longest call counts, and one guard that goes on without the authority is enough:
   *   the others refuse by {@link isCutOff}
   */
  attach(pool: Pool, terms: DeskTerms = this.#options): void {
    this.#maxCallMs = Math.max(this.#maxCallMs, terms.maxCallMs);
    const { isLocalFallback } = terms;
    const known = this.#books.get(pool);
    if (known !== undefined) {
      known.isLocalFallback ||= isLocalFallback;
      return;
    }
    this.#books.set(pool, { budgetId: undefined, isLocalFallback, accounts: new Map() });
    lendBy(pool, this);
    this.#lookSoon();
  }

  /** The authority is reachable and knows the pool under this id. */
  open(pool: Pool, budgetId: string): void {
    const book = this.#books.get(pool);
    if (book === undefined) return;
    book.budgetId = budgetId;
    this.#pauseUntil = Number.NEGATIVE_INFINITY;
    this.#reached();
    this.#ask();
  }

  /** The authority can't be reached: what is leased stays usable until it expires. */
  lost(): void {
    if (this.#isReachable === false) return;
    this.#isReachable = false;
    this.#recountAll();
  }

  /** What is lent of a pool, for `status()`. */
  leaseOf(account: Account): Lease | undefined {
    return this.#leasedOf(account)?.lease;
  }

  ceilingOf(account: Account): number {
    const lease = this.leaseOf(account);
    if (lease?.isUsable === true) return lease.ceiling;
    const isLocal = this.#isReachable === false && this.#books.get(account.pool)?.isLocalFallback === true;
    return isLocal ? account.pool.limit : 0;
  }

  check(account: Account, now: number, monotonic: number): void {
    const lease = this.leaseOf(account);
    if (lease?.isUsableAt(now, monotonic) === true) return;
    account.recount();
    // A call that is refused now waits in no queue: it is remembered here, so that the authority is tried again.
    if (this.#isReachable === false) this.#leased(account).isMissed = true;
  }

  wanted(): void {
    this.#ask();
  }

  mayGrow(account: Account): boolean {
    return !this.#isClosing && this.#isReachable !== false && this.#leasedOf(account)?.mayGrow !== false;
  }

  isCutOff(account: Account): boolean {
    return this.#isReachable === false && this.leaseOf(account)?.isUsable !== true;
  }

  /**
   * Gives all slices back; those with calls in flight when they have ended. Resolves when the authority has been told
   * once; what it did not hear is tried again in the background.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#asking;
    this.#pauseUntil = Number.NEGATIVE_INFINITY;
    this.#ask();
    await this.#asking;
  }

  /** The same for a process that may go on: the next call takes a new slice. */
  async giveBack(): Promise<void> {
    await this.close();
    this.#isClosing = false;
    this.#lookSoon();
  }

  #lookSoon(): void {
    this.#cancelLook ??= this.#timers.start(LOOK_MS, this.#look);
  }

  readonly #look = (): void => {
    this.#cancelLook = undefined;
    let isHeld = false;
    for (const { accounts } of this.#books.values()) {
      for (const [account, leased] of accounts) {
        leased.look();
        if (!leased.isEmpty) isHeld = true;
        // Calls that wait for a slice which has expired meanwhile, without an authority to renew it, wait for nothing.
        if (account.queue.length > 0 && this.isCutOff(account)) recount(account);
      }
    }
    if (this.#isClosing && (!isHeld || this.#failures > LAST_FAILURES)) return;
    this.#lookSoon();
    this.#ask();
  };

  #ask(): void {
    this.#asking ??= this.#askWhileDue();
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

  /** All that there is to say now. */
  #due(): Asked[] {
    const asked: Asked[] = [];
    if (this.#options.clock.monotonic() < this.#pauseUntil) return asked;
    for (const [pool, { budgetId, accounts }] of this.#books) {
      if (budgetId === undefined) continue;
      const terms = {
        budgetId,
        maxCallMs: this.#maxCallMs,
        isClosing: this.#isClosing,
        isReachable: this.#isReachable !== false,
      };
      for (const account of pool.allAccounts()) this.#leased(account);
      for (const [account, leased] of accounts) {
        asked.push(...leased.requests(terms));
        if (leased.isEmpty && pool.find(account.window.start, account.holder) !== account) accounts.delete(account);
      }
    }
    return asked;
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
      booked.set(asked.leased, answer);
    }
    const isWhole = batch.every(({ lease }) => answers.has(lease.id));
    if (isWhole) this.#reached();
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

  #leasedOf(account: Account): LeasedAccount | undefined {
    return this.#books.get(account.pool)?.accounts.get(account);
  }

  #leased(account: Account): LeasedAccount {
    const { accounts } = this.#books.get(account.pool) as Book;
    let leased = accounts.get(account);
    if (leased === undefined) {
      leased = new LeasedAccount(account, this.#options.clock);
      accounts.set(account, leased);
    }
    return leased;
  }

  #reached(): void {
    this.#failures = 0;
    if (this.#isReachable === true) return;
    this.#isReachable = true;
    this.#recountAll();
  }

  #recountAll(): void {
    for (const pool of this.#books.keys()) for (const account of [...pool.allAccounts()]) recount(account);
  }
}

/** The real timers. */
const systemTimers: DeskTimers = {
  start(ms, fn) {
    const timer: unknown = setTimeout(fn, ms);
    (timer as { unref?: () => void }).unref?.(); // a number in browsers
    return () => clearTimeout(timer as ReturnType<typeof setTimeout>);
  },
};
