/** What a process has leased of one shared budget: one entry for each of its windows that is still spent from or told of. */
import type { LeaseClock } from './lease.ts';
import { LeasedAccount, type Asked, type Terms } from './leased-account.ts';
import type { Account, Pool } from './pool.ts';

/** The leases of one budget. */
export class LeaseBook {
  /** The authority's id of the budget, once it is known. */
  budgetId: string | undefined;
  readonly #accounts = new Map<Account, LeasedAccount>();

  /** @param isLocalFallback without the authority, calls go by the limit alone */
  constructor(
    readonly pool: Pool,
    readonly clock: LeaseClock,
    public isLocalFallback: boolean,
  ) {}

  /** The leases of an account, if there are any. */
  find(account: Account): LeasedAccount | undefined {
    return this.#accounts.get(account);
  }

  /** The same, made where there are none yet. */
  of(account: Account): LeasedAccount {
    let leased = this.#accounts.get(account);
    if (leased === undefined) {
      leased = new LeasedAccount(account, this.clock);
      this.#accounts.set(account, leased);
    }
    return leased;
  }

  /** Looks at the clocks. @returns whether anything is leased */
  look(): boolean {
    let isHeld = false;
    for (const leased of this.#accounts.values()) {
      leased.look();
      if (!leased.isEmpty) isHeld = true;
    }
    return isHeld;
  }

  /** What there is to say to the authority now; nothing while it does not know the budget. */
  due(terms: Omit<Terms, 'budgetId'>): Asked[] {
    const { budgetId, pool } = this;
    if (budgetId === undefined) return [];
    const asked: Asked[] = [];
    for (const account of pool.allAccounts()) this.of(account);
    for (const [account, leased] of this.#accounts) {
      asked.push(...leased.requests({ ...terms, budgetId }));
      const isForgotten = pool.find(account.window.start, account.holder) !== account;
      if (leased.isEmpty && isForgotten) this.#accounts.delete(account);
    }
    return asked;
  }
}
