/**
 * The ledger: a reservation is taken in every account of a call or in none, synchronously, and ends exactly once.
 * Calls that find no room wait in the order they came.
 */
import type { BudgetUnit } from './budget.ts';
import type { Account, Lender, Pool, Waiter } from './pool.ts';

/** One call's amounts, in each unit that a budget may count. */
export interface Amounts {
  /** Nano-dollars. */
  readonly usd: number;
  readonly tokens: number;
  readonly calls: number;
}

/** The part of a call's amounts that an account of this unit counts. */
export function amountIn(unit: BudgetUnit, amounts: Amounts): number {
  return unit === 'usd' ? amounts.usd : unit === 'tokens' ? amounts.tokens : amounts.calls;
}

/** Amounts held in all accounts of one call until it is settled or released. */
export class Reservation implements Amounts {
  #open = true;

  /** Takes the amounts unconditionally; {@link blocker} is what checks for room. */
  constructor(
    readonly accounts: readonly Account[],
    public usd: number,
    public tokens: number,
    readonly calls: number,
  ) {
    for (let i = 0; i < accounts.length; i++) {
      const account = accounts[i] as Account;
      account.reserved += amountIn(account.pool.budget.unit, this);
    }
  }

  /** Holds more of what is held already; {@link blocker} is what checks for room. */
  add(extra: Amounts): void {
    this.usd += extra.usd;
    this.tokens += extra.tokens;
    for (const account of this.accounts) account.reserved += amountIn(account.pool.budget.unit, extra);
  }

  /** Whether the reservation is still held. */
  get open(): boolean {
    return this.#open;
  }

  /**
   * Ends the reservation: what was used is charged to the windows that took it, the rest returns.
   *
   * @returns false when the reservation had ended before; nothing changes then
   */
  settle(usd: number, tokens: number, calls: number): boolean {
    if (!this.#open) return false;
    this.#open = false;
    const { accounts } = this;
    for (let i = 0; i < accounts.length; i++) {
      const account = accounts[i] as Account;
      const { unit } = account.pool.budget;
      account.reserved -= unit === 'usd' ? this.usd : unit === 'tokens' ? this.tokens : this.calls;
      account.spent += unit === 'usd' ? usd : unit === 'tokens' ? tokens : calls;
    }
    // Only once all accounts agree: listeners and waiting calls must never see half of a settlement.
    for (let i = 0; i < accounts.length; i++) {
      const account = accounts[i] as Account;
      if (account.spent >= account.nextThreshold) fireThresholds(account);
      if (account.queue.length > 0) admitWaiting(account);
    }
    return true;
  }
}

/**
 * The first account that has no room, or in which a call that came earlier waits; `undefined` when all have room.
 *
 * @param order the call's place in the order of arrival; a new call comes after all that wait
 */
export function blocker(
  accounts: readonly Account[],
  amounts: Amounts,
  order = Number.POSITIVE_INFINITY,
): Account | undefined {
  for (let i = 0; i < accounts.length; i++) {
    const account = accounts[i] as Account;
    const { queue } = account;
    if (queue.length > 0 && (queue[0] as Waiter).order < order) return account;
    if (account.room < amountIn(account.pool.budget.unit, amounts)) return account;
  }
  return undefined;
}

/** Charges without a reservation: what was spent already, such as a tool's price. */
export function charge(accounts: readonly Account[], usd: number): void {
  new Reservation(accounts, 0, 0, 0).settle(usd, 0, 0);
}

/** Tells the listeners of each threshold that the spend has reached, once each. */
function fireThresholds(account: Account): void {
  const { pool } = account;
  while (account.spent >= account.nextThreshold) {
    const threshold = pool.thresholds[account.fired] as number;
    account.fired += 1;
    account.armThresholds();
    if (threshold === 1) fireFull(account);
    else for (const listener of pool.listeners) listener.onThreshold(account, threshold);
  }
}

/**
 * Fires the 100 % event of an account's window, once. Under `hard` the spend may never reach the limit exactly: the
 * first refusal for want of room is the event.
 */
export function fireFull(account: Account): void {
  if (account.full) return;
  account.full = true;
  for (const listener of account.pool.listeners) listener.onThreshold(account, 1);
}

/**
 * Changes a pool's limit for this window and all later ones. Thresholds above the new ratio are armed again, those
 * that the change passes fire, and calls that wait are looked at again.
 */
export function changeLimit(pool: Pool, limit: number): void {
  const isHigher = limit > pool.limit;
  pool.limit = limit;
  for (const account of pool.allAccounts()) {
    account.recount();
    account.rearm(isHigher);
    if (account.spent >= account.nextThreshold) fireThresholds(account);
    if (account.queue.length > 0) admitWaiting(account);
  }
}

/** Lets a lender decide what a pool's accounts may take, or with `undefined` the limit alone again. */
export function lendBy(pool: Pool, lender: Lender | undefined): void {
  pool.lender = lender;
  for (const account of pool.allAccounts()) recount(account);
}

/** After a change of what an account may take: calls that wait are looked at again. */
export function recount(account: Account): void {
  account.recount();
  if (account.queue.length === 0) return;
  admitWaiting(account);
  for (const waiter of [...account.queue]) waiter.answered?.();
}

/** Sets what others have spent from an account, as the backend tells it. */
export function setForeign(account: Account, foreign: number): void {
  const before = account.foreign;
  account.foreign = foreign;
  account.spent += foreign - before;
  account.recount();
  if (foreign < before) for (const listener of account.pool.listeners) listener.onCorrection(account);
  if (account.spent >= account.nextThreshold) fireThresholds(account);
  if (account.queue.length > 0) admitWaiting(account);
}

/** Puts a call in an account's queue, in the order of arrival. */
export function enqueue(account: Account, waiter: Waiter): void {
  let index = account.queue.length;
  while (index > 0 && (account.queue[index - 1] as Waiter).order > waiter.order) index -= 1;
  account.queue.splice(index, 0, waiter);
  account.pool.lender?.wanted(account);
}

const admitting = new Set<Account>();

/**
 * Lets waiting calls in from the head of an account's queue for as long as there is room. A call that another account
 * blocks moves to that account's queue and keeps its place by order of arrival.
 */
export function admitWaiting(account: Account): void {
  if (admitting.has(account)) return; // a listener changed a limit meanwhile; the loop below sees its effect
  admitting.add(account);
  try {
    while (account.queue.length > 0) {
      const head = account.queue.shift() as Waiter;
      const result = head.attempt();
      if (result === true) continue;
      enqueue(result, head);
      if (result === account) break;
    }
  } finally {
    admitting.delete(account);
  }
}
