/**
 * Takes slices of shared budgets from their authority, for all guards of a process that use the same backend: ahead of
 * need and in the background. The hot path only reads what it has brought.
 */
import { LeaseBook } from './lease-book.ts';
import { LeaseExchange, type LeaseExchangeOptions } from './lease-exchange.ts';
import type { Lease } from './lease.ts';
import type { LeasedAccount } from './leased-account.ts';
import { lendBy, recount } from './ledger.ts';
import type { Account, Lender, Pool } from './pool.ts';

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
export interface LeaseDeskOptions extends DeskTerms, LeaseExchangeOptions {
  readonly timers?: DeskTimers | undefined;
}

/** How often slices are looked at. */
const LOOK_MS = 250;

/** A desk that is closed gives up after so many failures in a row. */
const LAST_FAILURES = 20;

/** The leases of one process at one backend. */
export class LeaseDesk implements Lender {
  readonly #options: LeaseDeskOptions;
  readonly #timers: DeskTimers;
  readonly #books = new Map<Pool, LeaseBook>();
  readonly #exchange: LeaseExchange;
  #maxCallMs: number;
  #cancelLook: (() => void) | undefined;
  #isClosing = false;

  constructor(options: LeaseDeskOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#maxCallMs = options.maxCallMs;
    this.#exchange = new LeaseExchange(options, {
      due: () => [...this.#books.values()].flatMap((book) => book.due(this.#terms)),
      onReachable: () => this.#recountAll(),
    });
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
    this.#books.set(pool, new LeaseBook(pool, this.#options.clock, isLocalFallback));
    lendBy(pool, this);
    this.#lookSoon();
  }

  /** The authority is reachable and knows the pool under this id. */
  open(pool: Pool, budgetId: string): void {
    const book = this.#books.get(pool);
    if (book === undefined) return;
    book.budgetId = budgetId;
    this.#exchange.hurry();
    this.#exchange.reached();
    this.#exchange.ask();
  }

  /** The authority can't be reached: what is leased stays usable until it expires. */
  lost(): void {
    this.#exchange.lost();
  }

  /** What is lent of a pool, for `status()`. */
  leaseOf(account: Account): Lease | undefined {
    return this.#leasedOf(account)?.lease;
  }

  ceilingOf(account: Account): number {
    const lease = this.leaseOf(account);
    if (lease?.isUsable === true) return lease.ceiling;
    const isLocal = this.isLost && this.#books.get(account.pool)?.isLocalFallback === true;
    return isLocal ? account.pool.limit : 0;
  }

  check(account: Account, now: number, monotonic: number): void {
    const lease = this.leaseOf(account);
    if (lease?.isUsableAt(now, monotonic) === true) return;
    account.recount();
    // A call that is refused now waits in no queue: it is remembered here, so that the authority is tried again.
    if (this.isLost) this.#leased(account).isMissed = true;
  }

  wanted(): void {
    this.#exchange.ask();
  }

  closed(account: Account): void {
    this.#leased(account).missNowAndThen();
  }

  mayGrow(account: Account): boolean {
    return !this.#isClosing && !this.isLost && this.#leasedOf(account)?.mayGrow !== false;
  }

  get isLost(): boolean {
    return this.#exchange.isLost;
  }

  isCutOff(account: Account): boolean {
    return this.isLost && this.leaseOf(account)?.isUsable !== true;
  }

  /**
   * Gives all slices back; those with calls in flight when they have ended. Resolves when the authority has been told
   * once; what it did not hear is tried again in the background.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#exchange.askOnceMore();
  }

  /** The same for a process that may go on: the next call takes a new slice. */
  async giveBack(): Promise<void> {
    await this.close();
    this.#isClosing = false;
    this.#lookSoon();
  }

  get #terms(): Parameters<LeaseBook['due']>[0] {
    return { maxCallMs: this.#maxCallMs, isClosing: this.#isClosing, isReachable: !this.isLost };
  }

  #lookSoon(): void {
    this.#cancelLook ??= this.#timers.start(LOOK_MS, this.#look);
  }

  readonly #look = (): void => {
    this.#cancelLook = undefined;
    let isHeld = false;
    for (const book of this.#books.values()) {
      if (book.look()) isHeld = true;
      // Calls that wait for a slice which has expired meanwhile, without an authority to renew it, wait for nothing.
      for (const account of [...book.pool.allAccounts()])
        if (account.queue.length > 0 && this.isCutOff(account)) recount(account);
    }
    if (this.#isClosing && (!isHeld || this.#exchange.failures > LAST_FAILURES)) return;
    this.#lookSoon();
    this.#exchange.ask();
  };

  #leasedOf(account: Account): LeasedAccount | undefined {
    return this.#books.get(account.pool)?.find(account);
  }

  #leased(account: Account): LeasedAccount {
    return (this.#books.get(account.pool) as LeaseBook).of(account);
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
