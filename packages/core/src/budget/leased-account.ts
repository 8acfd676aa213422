/**
 * What one process has leased of one account: the lease that it spends from, those that it is giving back, and what it
 * should ask for next.
 */
import type { LeaseAnswer, LeaseRequest } from '../wire/index.ts';
import { LeaseDemand, type Stop } from './lease-demand.ts';
import { Lease, type LeaseClock, type Moment } from './lease.ts';
import { changeLimit, recount, setForeign } from './ledger.ts';
import type { Account } from './pool.ts';

/** A window that the authority does not know, because a clock is wrong, is tried again after this long. */
const LOST_AGAIN_MS = 5_000;

/** Where the budget has stopped its agent, the authority is asked this often whether that was right, while calls come. */
const CLOSED_AGAIN_MS = 5_000;

/** So long after its end the authority still takes what was spent in a window. */
const BORDER_MS = 60_000;

/** A request and the lease that it is for. */
export interface Asked {
  readonly leased: LeasedAccount;
  readonly lease: Lease;
  readonly request: LeaseRequest;
}

/** What requests are written with. */
export interface Terms {
  readonly budgetId: string;
  readonly maxCallMs: number;
  /** All is given back. */
  readonly isClosing: boolean;
  /** Without an authority, a slice that nobody uses is of more use here. */
  readonly isReachable: boolean;
}

/** Whether an answer has figures: of a lease, budget or window that it does not know the authority has none. */
export function isKnown({ limit }: LeaseAnswer): boolean {
  return limit > 0;
}

/** The leases of one account. */
export class LeasedAccount {
  lease: Lease | undefined;
  /** Leases that are being given back. */
  readonly closing = new Set<Lease>();
  /** A call was refused for what the authority, if it were asked, may deny by now: that it can't be reached, or that all is spent. */
  isMissed = false;
  readonly #clock: LeaseClock;
  readonly #demand: LeaseDemand;
  /** The part of the authority's total that is this process's own. */
  #told: number;
  #isToldClosing = false;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(
    readonly account: Account,
    clock: LeaseClock,
  ) {
    this.#clock = clock;
    this.#demand = new LeaseDemand(account, clock);
    this.#told = account.leased;
  }

  /** Whether asking may bring more room now. */
  get mayGrow(): boolean {
    return this.lease?.isLost !== true && this.#mayAsk() && this.#demand.mayBring;
  }

  /** Whether there is nothing here to remember. */
  get isEmpty(): boolean {
    return this.lease === undefined && this.closing.size === 0;
  }

  /** Looks at the clocks, and measures the pace at which the account is spent from. */
  look(): void {
    this.lease?.look();
    this.#demand.look();
  }

  /**
   * The same for a refusal that the authority is not likely to take back. What it has not been told is told soon: others
   * should know that all is spent, and whoever watches the budget.
   */
  missNowAndThen(): void {
    const isUntold = this.lease !== undefined && this.lease.used > this.lease.told;
    this.isMissed ||= isUntold || this.#demand.passedMs >= CLOSED_AGAIN_MS;
  }

  /** What there is to say to the authority now. */
  requests(terms: Terms): Asked[] {
    const { budgetId, maxCallMs, isClosing, isReachable } = terms;
    const asked: Asked[] = [];
    if (this.lease === undefined) this.#open(isClosing);
    if (this.lease !== undefined && this.#isDone(this.lease, terms)) {
      this.lease.end();
      this.closing.add(this.lease);
      this.lease = undefined;
      this.#open(isClosing);
    }
    const { lease } = this;
    const isAsking = lease !== undefined && !lease.isLost && this.#isToAsk(lease, terms);
    // The total in an answer contains what a lease has told at its end, also where the answer to that was lost: so that it does
    // not count twice, no lease asks without those.
    for (const ended of this.closing)
      if (ended.isDue || isAsking)
        asked.push({ leased: this, lease: ended, request: ended.request(budgetId, undefined, maxCallMs) });
    if (isAsking) {
      this.isMissed = false;
      this.#isToldClosing = isClosing;
      const { level } = lease;
      const wish = isClosing ? { want: level, need: 0 } : this.#demand.wish(lease, isReachable);
      asked.push({ leased: this, lease, request: lease.request(budgetId, wish, maxCallMs) });
    }
    return asked;
  }

  /** Takes an answer; {@link book} follows when all answers of the same batch are taken. */
  take({ lease, request }: Asked, answer: LeaseAnswer, sentAt: Moment, stop: Stop): void {
    const told = lease.told;
    if (!lease.apply(answer, request, sentAt)) return;
    this.#told += lease.told - told;
    if (lease.isEnded) this.#closed(lease, answer);
    else if (answer.state !== 'open') this.#lost(lease);
    else this.#demand.learn(lease, request, answer, stop);
  }

  /** Books what the authority knows: the limit, what others have spent, and what the slice now gives. */
  book(answer: LeaseAnswer): void {
    const { account } = this;
    if (isKnown(answer)) {
      if (answer.limit !== account.pool.limit) changeLimit(account.pool, answer.limit);
      account.heldByOthers = answer.heldByOthers;
      setForeign(account, Math.max(0, answer.spent - this.#told));
    }
    recount(account);
  }

  #open(isClosing: boolean): void {
    if (!this.#isNeeded(isClosing)) return;
    this.lease = new Lease(this.account, this.account.leased, this.#clock);
    this.#demand.restart();
  }

  #closed(lease: Lease, answer: LeaseAnswer): void {
    if (answer.state === 'open') return; // tried again
    this.closing.delete(lease);
    if (answer.state === 'closed') return;
    // The authority has never known it: what was used is still to be told, by the next lease.
    this.#told -= lease.used;
    this.account.leased -= lease.used;
    if (this.lease !== undefined) this.lease.base -= lease.used;
    this.#lost(lease);
  }

  #lost(lease: Lease): void {
    // A lease that was open is replaced at once; where the authority knows no such window, that would go on for ever.
    if (!lease.wasOpen) this.#notBefore = this.#clock.monotonic() + LOST_AGAIN_MS;
  }

  #mayAsk(): boolean {
    return this.#clock.monotonic() >= this.#notBefore;
  }

  /** Whether calls are in flight or wait, or something was spent that no lease has told. */
  #isNeeded(isClosing: boolean): boolean {
    const { account } = this;
    const late = this.#clock.now() - account.window.end;
    if (!this.#mayAsk() || late >= BORDER_MS) return false;
    if (account.own !== account.leased) return true;
    return !isClosing && late < 0 && (this.isMissed || account.reserved > 0 || account.queue.length > 0);
  }

  /** Whether a lease is to be given back: nothing is in flight, and it is lost, its window is over or nobody uses it. */
  #isDone(lease: Lease, { isClosing, isReachable }: Terms): boolean {
    const { account, isMissed } = this;
    if (account.reserved > 0) return false;
    if (isClosing || lease.isLost) return true;
    if (account.queue.length > 0 || isMissed) return false;
    if (this.#clock.now() >= account.window.end) return true;
    return this.#demand.isIdle && (isReachable || !lease.isUsable);
  }

  #isToAsk(lease: Lease, { isClosing, isReachable }: Terms): boolean {
    if (lease.isDue || this.isMissed) return true;
    return isClosing ? !this.#isToldClosing : this.#demand.isToAsk(lease, isReachable);
  }
}
