/**
 * What one process has leased of one account: the lease that it spends from, those that it is giving back, and what it
 * should ask for next.
 */
import type { LeaseAnswer, LeaseRequest } from '../wire/index.ts';
import { Lease, type LeaseClock, type Moment, type Wish } from './lease.ts';
import { amountIn, changeLimit, recount, setForeign } from './ledger.ts';
import type { Account } from './pool.ts';

/** A slice should last about so long at the present pace. */
const AHEAD_MS = 5_000;

/** A slice has room for this many more calls like the last one that had to ask. */
const AHEAD_CALLS = 4;

/** Of a long queue only the first calls count as demand: the rest asks when its turn comes. */
const MAX_QUEUE_READ = 256;

/** The authority's word that there is no more counts for so long; then it may be asked again. */
const FRESH_MS = 200;

/** Where there was no more, it is asked ahead of need again after this long. */
const AHEAD_AGAIN_MS = 1_000;

/** A window that the authority does not know, because a clock is wrong, is tried again after this long. */
const LOST_AGAIN_MS = 5_000;

/** A slice that nobody has used for so long is given back: others may wait for it. */
const IDLE_MS = 10_000;

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

/**
 * What the first call in the queue is asked for: all that it would like, or, where that was refused, what the authority
 * said it has left, and no less than the call can do with.
 */
type Step = 'whole' | 'rest';

/** Whether the agent that asked is stopped, and gets nothing: then another of this process may ask, or none. */
export type Stop = 'none' | 'one' | 'all';

/** The leases of one account. */
export class LeasedAccount {
  lease: Lease | undefined;
  /** Leases that are being given back. */
  readonly closing = new Set<Lease>();
  /** Somebody was refused because the authority could not be reached: it is to be tried again. */
  isMissed = false;
  readonly #clock: LeaseClock;
  /** The part of the authority's total that is this process's own. */
  #told: number;
  /** Amount per millisecond, smoothed. */
  #pace = 0;
  #sample: { readonly own: number; readonly at: number };
  #lastDemand = 0;
  #usedAt = Number.NEGATIVE_INFINITY;
  #step: Step = 'whole';
  #answeredAt = Number.NEGATIVE_INFINITY;
  /** Whether asking again may bring more than the last answer did. */
  #hasMore = true;
  /** The largest slice that the authority could have granted at its last answer. */
  #most = Number.POSITIVE_INFINITY;
  #levelAsked = 0;
  #isToldClosing = false;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(
    readonly account: Account,
    clock: LeaseClock,
  ) {
    this.#clock = clock;
    this.#told = account.leased;
    this.#sample = { own: account.own, at: clock.monotonic() };
  }

  /** Whether asking may bring more room now. */
  get mayGrow(): boolean {
    return this.lease?.isLost !== true && this.#mayAsk() && (this.#hasMore || !this.#isFresh());
  }

  /** Whether there is nothing here to remember. */
  get isEmpty(): boolean {
    return this.lease === undefined && this.closing.size === 0;
  }

  /** Looks at the clocks, and measures the pace at which the account is spent from. */
  look(): void {
    this.lease?.look();
    const at = this.#clock.monotonic();
    const passed = at - this.#sample.at;
    if (passed <= 0) return;
    const { own, reserved, queue } = this.account;
    if (own !== this.#sample.own || reserved > 0 || queue.length > 0) this.#usedAt = at;
    const pace = Math.max(0, own - this.#sample.own) / passed;
    this.#pace = pace > this.#pace ? pace : (this.#pace * 3 + pace) / 4;
    this.#sample = { own, at };
  }

  /** What there is to say to the authority now. */
  requests(terms: Terms): Asked[] {
    const { budgetId, maxCallMs, isClosing } = terms;
    const asked: Asked[] = [];
    if (this.lease === undefined) this.#open(isClosing);
    if (this.lease !== undefined && this.#isDone(this.lease, terms)) {
      this.lease.end();
      this.closing.add(this.lease);
      this.lease = undefined;
      this.#open(isClosing);
    }
    for (const lease of this.closing)
      if (lease.isDue) asked.push({ leased: this, lease, request: lease.request(budgetId, undefined, maxCallMs) });
    const { lease } = this;
    if (lease !== undefined && !lease.isLost && this.#isToAsk(lease, isClosing)) {
      this.isMissed = false;
      this.#isToldClosing = isClosing;
      this.#levelAsked = lease.level;
      asked.push({ leased: this, lease, request: lease.request(budgetId, this.#wish(lease, isClosing), maxCallMs) });
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
    else this.#learn(lease, request, answer, stop);
  }

  /** Books what the authority knows: the limit, what others have spent, and what the slice now gives. */
  book(answer: LeaseAnswer): void {
    const { account } = this;
    if (answer.limit !== account.pool.limit) changeLimit(account.pool, answer.limit);
    setForeign(account, Math.max(0, answer.spent - this.#told));
    recount(account);
  }

  #open(isClosing: boolean): void {
    if (!this.#isNeeded(isClosing)) return;
    this.lease = new Lease(this.account, this.account.leased, this.#clock);
    this.#step = 'whole';
    this.#usedAt = this.#clock.monotonic();
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

  #learn(lease: Lease, request: LeaseRequest, answer: LeaseAnswer, stop: Stop): void {
    const { granted, limit, spent, heldByOthers } = answer;
    this.#answeredAt = this.#clock.monotonic();
    if (this.account.queue.length === 0) this.#lastDemand /= 2; // one large call is no habit
    this.#most = request.used + Math.max(0, limit - spent - heldByOthers);
    if (granted >= request.need) {
      this.#hasMore = this.#step === 'whole' && granted < this.#most;
      this.#step = 'whole';
      return;
    }
    if (stop === 'one') {
      this.#hasMore = true; // says nothing of what there is for another agent
      return;
    }
    const [first] = this.account.queue;
    const least = first === undefined ? 0 : lease.level + amountIn(this.account.pool.budget.unit, first.claim.least);
    const mayTry = stop === 'none' && this.#step === 'whole' && first !== undefined;
    this.#hasMore = mayTry && least < request.need && least <= this.#most;
    this.#step = this.#hasMore ? 'rest' : 'whole';
  }

  #isFresh(): boolean {
    return this.#clock.monotonic() - this.#answeredAt < FRESH_MS;
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
    return this.#clock.monotonic() - this.#usedAt >= IDLE_MS && (isReachable || !lease.isUsable);
  }

  #isToAsk(lease: Lease, isClosing: boolean): boolean {
    if (lease.isDue || this.isMissed) return true;
    if (isClosing) return !this.#isToldClosing;
    const mayBring = this.#hasMore || !this.#isFresh();
    if (this.account.queue.length > 0) return mayBring;
    // The slice is about to run out; where nothing has moved since the last answer, that says all there is to say.
    const { level, granted } = lease;
    if (level <= this.#levelAsked || granted - level >= this.#ahead / 2) return false;
    return this.#hasMore || this.#clock.monotonic() - this.#answeredAt >= AHEAD_AGAIN_MS;
  }

  get #ahead(): number {
    return Math.max(this.#pace * AHEAD_MS, this.#lastDemand * AHEAD_CALLS);
  }

  #wish(lease: Lease, isClosing: boolean): Wish {
    const { level } = lease;
    const { queue, pool } = this.account;
    const { unit } = pool.budget;
    const [first] = queue;
    if (isClosing) return { want: level, need: 0 };
    if (first === undefined) {
      this.#step = 'whole';
      return { want: level + Math.ceil(this.#ahead), need: level };
    }
    let wanted = 0;
    for (const { claim } of queue.slice(0, MAX_QUEUE_READ)) wanted += amountIn(unit, claim);
    const whole = amountIn(unit, first.claim);
    const least = amountIn(unit, first.claim.least);
    this.#lastDemand = whole;
    if (!this.#isFresh()) this.#step = 'whole';
    const asked = this.#step === 'whole' ? whole : Math.min(whole, Math.max(least, this.#most - level));
    return { want: level + wanted + Math.ceil(this.#ahead), need: level + asked };
  }
}
