/**
 * One process's slice of one window of a shared budget. The authority grants it; calls spend it in memory. It gives room
 * only while the authority is sure to hold it: until shortly before its expiry, by the process's own clocks.
 */
import { WIRE_LIMITS, type LeaseAnswer, type LeaseRequest } from '../wire/index.ts';
import type { Account } from './pool.ts';

/** The holder stops this long before the expiry, so that the request's way and a slow timer do no harm; at most a tenth of the term. */
const MARGIN_MS = 2_000;

/** Less than this the wall clock may lose against the monotonic one; it must stay below the margin. */
const SET_BACK_MS = 1_000;

/** A slice is not renewed more often than this, however short its term. */
const SHORTEST_MS = 1_000;

/** A close that brought no answer is repeated after this long. */
const CLOSE_AGAIN_MS = 1_000;

/** What the holder reads: both clocks, since a machine that sleeps may stop the monotonic one. */
export interface LeaseClock {
  now(): number;
  monotonic(): number;
}

/** One moment of both clocks. */
export interface Moment {
  readonly now: number;
  readonly monotonic: number;
}

/** What a request asks for, `used` included. */
export interface Wish {
  readonly want: number;
  /** Less than this helps nobody. */
  readonly need: number;
  /** What it goes on relying on, of what it was granted, whatever the answer will be. Default: `want`. */
  readonly keep?: number;
}

/** One slice. */
export class Lease {
  readonly id: string = crypto.randomUUID();
  /** What the holder relies on, in all, what was used included: never more than the authority has granted. */
  granted = 0;
  /** The part of `used` that the authority's total contains. */
  told = 0;
  /** The authority has taken it back: it gives no room any more, and closes when its calls have ended. */
  isLost = false;
  /** The authority has answered that it is open. */
  wasOpen = false;
  #seq = 0;
  /** What was used, once the lease has ended: what is charged later counts in the next one. */
  #final: number | undefined;
  #usableUntil = Number.NEGATIVE_INFINITY;
  #usableUntilWall = Number.NEGATIVE_INFINITY;
  #sentAt: Moment = { now: 0, monotonic: 0 };
  #renewAt = Number.NEGATIVE_INFINITY;
  #closeAt = Number.NEGATIVE_INFINITY;

  /** @param base what was used through earlier leases */
  constructor(
    readonly account: Account,
    public base: number,
    readonly clock: LeaseClock,
  ) {}

  /** What was charged to this lease so far. */
  get used(): number {
    return this.#final ?? this.account.own - this.base;
  }

  /** Used and held: what the grant must cover. */
  get level(): number {
    return this.#final ?? this.used + this.account.reserved;
  }

  /** Whether it is given back: what it used is final. */
  get isEnded(): boolean {
    return this.#final !== undefined;
  }

  /** Whether calls may spend from it at a moment of both clocks. */
  isUsableAt(now: number, monotonic: number): boolean {
    return monotonic < this.#usableUntil && now < this.#usableUntilWall && !this.isLost && this.#final === undefined;
  }

  /** Whether calls may spend from it now. */
  get isUsable(): boolean {
    return this.isUsableAt(this.clock.now(), this.clock.monotonic());
  }

  /** Whether it should be renewed, however little is used; a close, whether it is to be sent. */
  get isDue(): boolean {
    return this.clock.monotonic() >= (this.isEnded ? this.#closeAt : this.#renewAt);
  }

  /** Looks at the clocks. A wall clock that was set back can't tell any more that the machine slept: no room until the next answer then. */
  look(): void {
    const { now, monotonic } = this.#sentAt;
    if (this.clock.now() - now >= this.clock.monotonic() - monotonic - SET_BACK_MS) return;
    this.#usableUntil = Number.NEGATIVE_INFINITY;
    this.#renewAt = Number.NEGATIVE_INFINITY;
  }

  /** What the account may reach: the slice, on top of what others have spent, and never more than the limit. */
  get ceiling(): number {
    const { pool, foreign } = this.account;
    return Math.min(pool.limit, foreign + this.base + this.granted);
  }

  /** Ends it, with no call in flight: no room from here on, and `used` is final. */
  end(): void {
    const { used } = this;
    this.#final = used;
    this.granted = used;
    this.account.leased += used;
  }

  /**
   * The next request. What it says it relies on (`hold`) is all that it relies on from here: the authority may take the
   * rest back before its answer arrives.
   *
   * @param budgetId the authority's id of the budget
   * @param wish what it asks for; a lease that has ended asks for nothing
   */
  request(budgetId: string, wish: Wish | undefined, maxCallMs: number): LeaseRequest {
    const { account, used, isEnded } = this;
    const { start } = account.window;
    const want = Math.min(WIRE_LIMITS.amount, Math.max(wish?.want ?? used, used));
    this.#seq += 1;
    if (isEnded) this.#closeAt = this.clock.monotonic() + CLOSE_AGAIN_MS;
    this.granted = Math.min(this.granted, wish?.keep ?? want);
    const hold = Math.max(used, this.granted);
    return {
      budgetId,
      leaseId: this.id,
      seq: this.#seq,
      windowStart: Number.isFinite(start) ? start : null,
      used,
      hold,
      want: Math.max(want, hold),
      need: Math.min(WIRE_LIMITS.amount, Math.max(wish?.need ?? hold, hold)),
      maxCallMs,
      close: isEnded,
    };
  }

  /**
   * Takes the authority's answer.
   *
   * @param sentAt when the request left: the term counts from then
   * @returns false for an answer to an older request; nothing changes then
   */
  apply(answer: LeaseAnswer, request: LeaseRequest, sentAt: Moment): boolean {
    if (request.seq !== this.#seq) return false;
    this.told = request.used;
    if (answer.state !== 'open') {
      this.isLost = true;
      this.granted = 0;
      return true;
    }
    this.wasOpen = true;
    if (this.isEnded) return true;
    const { expiresInMs, granted } = answer;
    const term = expiresInMs - Math.min(MARGIN_MS, expiresInMs / 10);
    this.#sentAt = sentAt;
    this.#usableUntil = sentAt.monotonic + term;
    this.#usableUntilWall = sentAt.now + term;
    this.#renewAt = sentAt.monotonic + Math.max(SHORTEST_MS, expiresInMs / 3);
    this.granted = granted;
    return true;
  }
}
