/**
 * Which accounts take no calls of an agent, because their budget has stopped it, and what opens them again: a higher limit, or
 * a total that turns out to be less than what they were closed for.
 */
import { reachedAt, type Account, type Pool } from './pool.ts';

interface Closure {
  /** The limit that it was closed at. */
  readonly limit: number;
  /** The threshold that closed it. */
  readonly threshold: number;
  /** It opens again once so much of the limit is not spent. */
  readonly needed: number;
}

/** The accounts that are closed to one agent. */
export class Closures {
  readonly #closed = new Map<Account, Closure>();

  /** Whether none is. */
  get isEmpty(): boolean {
    return this.#closed.size === 0;
  }

  /** Whether an account is closed. */
  has(account: Account): boolean {
    return account.pool.limit <= (this.#closed.get(account)?.limit ?? Number.NEGATIVE_INFINITY);
  }

  /**
   * Closes an account until its window ends.
   *
   * @param threshold whose event closed it
   * @param least what the call needed that found no room; left out where the spend itself reached the threshold
   */
  close(account: Account, threshold: number, now: number, least?: number): void {
    const { limit } = account.pool;
    for (const old of this.#closed.keys()) if (old.window.end <= now) this.#closed.delete(old);
    // At less spend than closed it. Another guard's call may have closed it, before the spend got there.
    const needed = least ?? limit - Math.min(reachedAt(threshold, limit), account.spent) + 1;
    this.#closed.set(account, { limit, threshold, needed });
  }

  /** Opens the accounts of a pool whose limit is raised. */
  open(pool: Pool): void {
    for (const account of pool.allAccounts()) this.#closed.delete(account);
  }

  /** Less was spent from an account than was believed: opens it where that leaves what it was closed for the want of. */
  correct(account: Account): void {
    const closure = this.#closed.get(account);
    if (closure === undefined || account.pool.limit - account.spent < closure.needed) return;
    this.#closed.delete(account);
    account.rearmFrom(closure.threshold); // it may be reached again, and is an event then
  }

  /** Opens all. */
  clear(): void {
    this.#closed.clear();
  }
}
