/**
 * A Pool is one budget at run time: its limit, and one Account for each window (and each user or tag) that was spent
 * from. Shared and organisation budgets are one Pool for all guards of the process.
 */
import { ConfigError } from '../errors.ts';
import type { Budget } from './budget.ts';
import { windowAt, type Window } from './window.ts';

/** Thresholds that fire without any configuration, as shares of the limit. */
const DEFAULT_THRESHOLDS: readonly number[] = [0.7, 0.9, 1];

/** Windows of one holder that are kept, so that a clock which jumps back finds what it spent there. */
const KEPT_WINDOWS = 4;

/** Absorbs the rounding errors of a share and of its product with the limit, and nothing more. */
const ROUNDING = 1 - 2 * Number.EPSILON;

/** The integer amount at which a share of the limit is reached. */
export function reachedAt(threshold: number, limit: number): number {
  return threshold === 1 ? limit : Math.ceil(threshold * limit * ROUNDING);
}

/** What a guard learns of a pool that it uses. */
export interface PoolListener {
  /** `spent / limit` of an account reached a threshold; called once per threshold, window and account. */
  onThreshold(account: Account, threshold: number): void;
  /** Less was spent from an account than was believed: the backend has corrected what others spent. */
  onCorrection(account: Account): void;
}

/**
 * Where a pool's room comes from while it is not the pool's whole limit: slices of a budget that several processes
 * share, or nothing yet, while a backend is asked what was spent before.
 */
export interface Lender {
  /** What `spent + reserved` of an account may reach now. */
  ceilingOf(account: Account): number;
  /** Takes the room of a slice that has expired. Called for each call, so it must cost nothing. */
  check(account: Account, now: number, monotonic: number): void;
  /** Calls wait here, or too little room is left: more is wanted. */
  wanted(account: Account): void;
  /** A call was refused because its budget has stopped the agent, and waits nowhere: whether that still holds is looked up now and then. */
  closed(account: Account): void;
  /** Whether asking may bring more room, so that it is too early to refuse a call or to lower its cap. */
  mayGrow(account: Account): boolean;
  /** Whether the authority can't be reached and nothing that it lent is left; a guard that goes on without it has room all the same. */
  isCutOff(account: Account): boolean;
  /** Whether the authority can't be reached, so that there is no more than what it has lent already. */
  readonly isLost: boolean;
}

/** A call that waits for room. It holds nothing while it waits. */
export interface Waiter {
  /** Position in the order of arrival, over all accounts. */
  readonly order: number;
  /** What the call would like to hold, and the least that it can do with. */
  readonly claim: { readonly usd: number; readonly tokens: number; readonly calls: number; readonly least: { readonly usd: number; readonly tokens: number; readonly calls: number } }; // prettier-ignore
  /** Tries again: `true` when the call was admitted or refused, else the account that blocks it now. */
  attempt(): true | Account;
  /** Whoever decides what the account may take has spoken: a call that may not wait for other calls tries a last time. */
  answered?(): void;
}

/** What was spent and is held in one window of one pool, in the pool's unit. */
export class Account {
  /** By this process and, where a backend counts along, by all others. */
  spent = 0;
  reserved = 0;
  /** The part of `spent` that others have spent: other processes, or this one before it was restarted. */
  foreign = 0;
  /** The part of what this process has spent that was leased, and those leases have ended. */
  leased = 0;
  /** What other processes hold and have not spent, as the authority last said. */
  heldByOthers = 0;
  /** What `spent + reserved` may reach: the limit, or less where a lender decides. */
  ceiling: number;
  /** The amount spent at which the next threshold fires. */
  nextThreshold = 0;
  /** How many of the pool's thresholds the spend has passed. */
  fired = 0;
  /** Whether the 100 % event of this window has fired. */
  full = false;
  /** Calls that wait for room here, in the order they came. */
  readonly queue: Waiter[] = [];

  constructor(
    readonly pool: Pool,
    readonly holder: string,
    readonly window: Window,
  ) {
    this.ceiling = pool.lender === undefined ? pool.limit : pool.lender.ceilingOf(this);
    this.armThresholds();
  }

  /** What this process has spent. */
  get own(): number {
    return this.spent - this.foreign;
  }

  /** What a new reservation can take. */
  get room(): number {
    return this.ceiling - this.spent - this.reserved;
  }

  /** What is left of the limit, whoever may take it. */
  get left(): number {
    return this.pool.limit - this.spent - this.reserved;
  }

  /** After a change of the limit or of what the lender gives. */
  recount(): void {
    const { lender, limit } = this.pool;
    this.ceiling = lender === undefined ? limit : lender.ceilingOf(this);
  }

  /** Sets the next threshold from what has fired so far. */
  armThresholds(): void {
    const next = this.pool.thresholds[this.fired];
    this.nextThreshold = next === undefined ? Number.POSITIVE_INFINITY : reachedAt(next, this.pool.limit);
  }

  /** After a change of the limit: a higher one arms again what lies above the new ratio. */
  rearm(isHigher: boolean): void {
    const { thresholds, limit } = this.pool;
    if (isHigher) {
      this.fired = Math.min(this.fired, thresholds.filter((share) => this.spent >= reachedAt(share, limit)).length);
      if (this.spent < limit) this.full = false;
    }
    this.armThresholds();
  }

  /** Arms a threshold and those above it again: what reached it was corrected. */
  rearmFrom(threshold: number): void {
    const below = this.pool.thresholds.filter((share) => share < threshold).length;
    this.fired = Math.min(this.fired, below);
    this.full = false;
    this.armThresholds();
  }
}

/** One budget at run time. */
export class Pool {
  /** The limit in the pool's integer unit; `setLimit` changes it for this window and all later ones. */
  limit: number;
  /** Ascending shares of the limit at which listeners are told. */
  thresholds: number[] = [...DEFAULT_THRESHOLDS];
  readonly listeners = new Set<PoolListener>();
  /** Decides what calls may take, where that is not the whole limit; {@link lendBy} sets it. */
  lender: Lender | undefined;
  /** The newest account of each holder; older windows hang behind it in `#older`. */
  readonly #current = new Map<string, Account>();
  readonly #older = new Map<string, Account[]>();
  /** Where the latest windows began, newest first. */
  #recent: readonly number[] = [];

  constructor(readonly budget: Budget) {
    this.limit = budget.limit;
  }

  /** The account that a call at `now` is charged to. */
  account(now: number, holder: string): Account {
    const current = this.#current.get(holder);
    if (current !== undefined && now >= current.window.start && now < current.window.end) return current;
    return this.#roll(now, holder, current);
  }

  /** The account of a moment, if it is still kept. */
  find(at: number, holder: string): Account | undefined {
    const contains = ({ window }: Account): boolean => at >= window.start && at < window.end;
    const current = this.#current.get(holder);
    return current !== undefined && contains(current) ? current : this.#older.get(holder)?.find(contains);
  }

  /** The accounts of all holders whose window contains `now`. */
  accounts(now: number): Account[] {
    return [...this.#current.values()].filter(({ window }) => now >= window.start && now < window.end);
  }

  /** Every account that is still kept, past windows included. */
  *allAccounts(): Iterable<Account> {
    yield* this.#current.values();
    for (const accounts of this.#older.values()) yield* accounts;
  }

  /** Adds thresholds at which listeners want to be told; those that the spend has passed already do not fire. */
  addThresholds(added: readonly number[]): void {
    this.thresholds = [...new Set([...this.thresholds, ...added])].sort((a, b) => a - b);
    for (const account of this.allAccounts()) {
      account.fired = this.thresholds.filter((threshold) => account.spent >= reachedAt(threshold, this.limit)).length;
      account.armThresholds();
    }
  }

  #roll(now: number, holder: string, current: Account | undefined): Account {
    const window = windowAt(this.budget.period, this.budget.timeZone, now);
    const older = this.#older.get(holder) ?? [];
    let account = older.find((kept) => kept.window.start === window.start);
    if (account === undefined) account = new Account(this, holder, window);
    if (current !== undefined) {
      const kept = [current, ...older.filter((other) => other !== account)];
      this.#older.set(
        holder,
        kept.filter((other, index) => index < KEPT_WINDOWS || other.reserved > 0 || other.queue.length > 0),
      );
    }
    this.#current.set(holder, account);
    if (holder !== '' && this.#recent[0] !== window.start) this.#sweep(window);
    return account;
  }

  /**
   * Forgets users and tags whose last window is long over: once per window, so that memory follows the active ones. What
   * is long over is told by the windows that were seen, so that a clock which jumps ahead and back loses nobody's spend.
   */
  #sweep({ start }: Window): void {
    this.#recent = [start, ...this.#recent].slice(0, KEPT_WINDOWS);
    const horizon = Math.min(...this.#recent);
    for (const [holder, account] of this.#current) {
      if (account.window.end > horizon || account.reserved > 0 || account.queue.length > 0) continue;
      this.#current.delete(holder);
      this.#older.delete(holder);
    }
  }
}

/** Whether several agents and processes spend from a pool. */
export function isPooled({ budget: { scope } }: Pool): boolean {
  return scope === 'shared' || scope === 'org';
}

// On the global object under a registered symbol: the ESM and the CommonJS build of this package, or two copies of it
// in one process, must share their pools, or a shared budget would be granted twice.
const POOLS = Symbol.for('agentkavach.pools');
const registry = globalThis as { [POOLS]?: Map<string, Pool> };

/**
 * The pool that counts a budget: a new one for an agent's own budget, the process's one for a pooled budget.
 *
 * @param realm whose pools they are: guards of two organisations share none
 * @throws ConfigError when a pooled budget was declared before with another limit, period or time zone
 */
export function poolOf(budget: Budget, realm = ''): Pool {
  if (budget.scope !== 'shared' && budget.scope !== 'org') return new Pool(budget);
  const pools = (registry[POOLS] ??= new Map<string, Pool>());
  const name = budget.scope === 'org' ? `org:${budget.period}` : `shared:${budget.name ?? ''}:${budget.period}`;
  const key = realm === '' ? name : `${realm}\n${name}`;
  const known = pools.get(key);
  if (known === undefined) {
    const pool = new Pool(budget);
    pools.set(key, pool);
    return pool;
  }
  for (const field of ['limit', 'timeZone'] as const) {
    if (known.budget[field] !== budget[field]) {
      throw new ConfigError(
        `Budget.${budget.scope}: ${budget.name ?? 'the organisation budget'} was declared before in this process with another ${field}. Declare it once and reuse the Budget, or change the limit with guard.setLimit().`,
        { path: field },
      );
    }
  }
  return known;
}
