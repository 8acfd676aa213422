/**
 * What a process asks of the authority for one account: enough for the calls that wait, some more ahead of need while there
 * is plenty, and nothing that it does not use while others wait or little is left.
 */
import type { LeaseAnswer, LeaseRequest } from '../wire/index.ts';
import { LeasePace } from './lease-pace.ts';
import type { Lease, LeaseClock, Wish } from './lease.ts';
import { amountIn } from './ledger.ts';
import type { Account } from './pool.ts';

/** A slice should last about so long at the present pace; where little is left, so long. */
const AHEAD_MS = 5_000;
const SCARCE_AHEAD_MS = 1_000;

/** A slice has room for this many more calls like the last one that had to ask. */
const AHEAD_CALLS = 4;

/** Little is left where what is not used here is more than this share of what nobody holds. A grant ahead of need is a third of it. */
const SCARCE = 1 / 2;

/** From this share on it matters to others. */
const MATTERS = 1 / 16;

/** Who holds what it does not use asks at least so often whether somebody waits for it, and more often where it matters. */
const LISTEN_MS = 5_000;

/** Of a long queue only the first calls count as demand: the rest asks when its turn comes. */
const MAX_QUEUE_READ = 256;

/** The authority's word that there is no more counts for so long; then it may be asked again. */
const FRESH_MS = 200;

/** Where no call waits, the authority is asked again for the same thing after this long. */
const AGAIN_MS = 1_000;

/** What nobody has used for so long is given back. */
const IDLE_MS = 10_000;

/**
 * What the first call in the queue is asked for: all that it would like, or, where that was refused, what the authority
 * said it has left, and no less than the call can do with.
 */
type Step = 'whole' | 'rest';

/** Whether the agent that asked is stopped, and gets nothing: then another of this process may ask, or none. */
export type Stop = 'none' | 'one' | 'all';

/** What is asked for one account. */
export class LeaseDemand {
  readonly #account: Account;
  readonly #clock: LeaseClock;
  readonly #pace: LeasePace;
  #lastDemand = 0;
  #step: Step = 'whole';
  #answeredAt = Number.NEGATIVE_INFINITY;
  /** Whether asking again may bring more than the last answer did. */
  #hasMore = true;
  /** The largest slice that the authority could have granted at its last answer. */
  #most = Number.POSITIVE_INFINITY;
  /** What nobody held at the last answer. */
  #free = Number.POSITIVE_INFINITY;
  /** The authority does not have what the first call needs: what is left of the slice is of no use here, but may be elsewhere. */
  #isRefused = false;
  /** Another process waits for what the authority does not have. */
  #othersWait = false;
  #levelAsked = 0;

  constructor(account: Account, clock: LeaseClock) {
    this.#account = account;
    this.#clock = clock;
    this.#pace = new LeasePace(account, clock);
  }

  /** Whether asking again may bring more for a call that waits. */
  get mayBring(): boolean {
    return this.#hasMore || this.passedMs >= FRESH_MS;
  }

  /** Whether nobody has used the slice for long. */
  get isIdle(): boolean {
    return this.#pace.idleMs >= IDLE_MS;
  }

  /** Milliseconds since the last answer. */
  get passedMs(): number {
    return this.#clock.monotonic() - this.#answeredAt;
  }

  /** Measures the pace at which the account is spent from. */
  look(): void {
    this.#pace.look();
  }

  /** A new lease is asked for. */
  restart(): void {
    this.#step = 'whole';
    this.#pace.touch();
  }

  /** Takes the authority's answer about an open lease. */
  learn(lease: Lease, request: LeaseRequest, answer: LeaseAnswer, stop: Stop): void {
    const { granted, limit, spent, heldByOthers, othersWait } = answer;
    const [first] = this.#account.queue;
    this.#answeredAt = this.#clock.monotonic();
    if (first === undefined) this.#lastDemand /= 2; // one large call is no habit
    this.#most = request.used + Math.max(0, limit - spent - heldByOthers);
    this.#free = Math.max(0, this.#most - granted);
    this.#othersWait = othersWait;
    this.#isRefused = granted < request.need && stop === 'none';
    if (granted >= request.need) {
      this.#hasMore = this.#step === 'whole' && granted < this.#most;
      this.#step = 'whole';
      return;
    }
    if (stop === 'one') {
      this.#hasMore = true; // says nothing of what there is for another agent
      return;
    }
    const least = first === undefined ? 0 : lease.level + amountIn(this.#account.pool.budget.unit, first.claim.least);
    const mayTry = stop === 'none' && this.#step === 'whole' && first !== undefined;
    this.#hasMore = mayTry && least < request.need && least <= this.#most;
    this.#step = this.#hasMore ? 'rest' : 'whole';
  }

  /** Whether there is something to ask for, or to give back, before the lease must be renewed. */
  isToAsk(lease: Lease, isReachable: boolean): boolean {
    if (this.#account.queue.length > 0) return this.mayBring;
    const { level, granted } = lease;
    const headroom = granted - level;
    const ahead = this.#ahead(headroom);
    if (isReachable && headroom > 0) {
      if (this.#isExcess(headroom) && headroom > 2 * ahead) return this.passedMs >= FRESH_MS;
      if (this.passedMs >= (headroom > this.#free * MATTERS ? AGAIN_MS : LISTEN_MS)) return true;
    }
    // The slice is about to run out; where nothing has moved since the last answer, that says all there is to say.
    if (level <= this.#levelAsked || headroom >= ahead / 2) return false;
    return this.#hasMore || this.passedMs >= AGAIN_MS;
  }

  /** What the next request asks for. */
  wish(lease: Lease, isReachable: boolean): Wish {
    const { level, granted } = lease;
    const { queue, pool } = this.#account;
    const { unit } = pool.budget;
    const [first] = queue;
    this.#levelAsked = level;
    // Without an authority, a slice is of more use here.
    if (first !== undefined) {
      this.#pace.touch();
      this.#lastDemand = amountIn(unit, first.claim);
    }
    const ahead = Math.ceil(isReachable ? this.#ahead(granted - level) : this.#plenty);
    if (first === undefined) {
      this.#step = 'whole';
      return { want: level + ahead, need: level };
    }
    let wanted = 0;
    for (const { claim } of queue.slice(0, MAX_QUEUE_READ)) wanted += amountIn(unit, claim);
    const whole = amountIn(unit, first.claim);
    const least = amountIn(unit, first.claim.least);
    if (this.passedMs >= FRESH_MS) this.#step = 'whole';
    const asked = this.#step === 'whole' ? whole : Math.min(whole, Math.max(least, this.#most - level));
    const want = level + wanted + ahead;
    return { want, need: level + asked, keep: this.#isRefused && isReachable ? level : want };
  }

  /** What is worth having beyond what is used and held, while no call waits. */
  #ahead(headroom: number): number {
    if (this.#othersWait || this.isIdle) return 0;
    return this.#isExcess(headroom) ? this.#pace.within(SCARCE_AHEAD_MS) : this.#plenty;
  }

  /** The same where there is plenty. */
  get #plenty(): number {
    return Math.max(this.#pace.within(AHEAD_MS), this.#lastDemand * AHEAD_CALLS);
  }

  /** Whether so much beyond what is used and held is to go back, but for what the pace justifies. */
  #isExcess(headroom: number): boolean {
    return this.#othersWait || this.isIdle || headroom > this.#free * SCARCE;
  }
}
