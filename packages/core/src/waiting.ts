/** A call that waits for room that other calls hold. It holds nothing itself; it is tried again whenever room returns. */
import { admitWaiting, enqueue } from './budget/ledger.ts';
import type { Account, Waiter } from './budget/pool.ts';
import type { InFlight } from './in-flight.ts';
import { unlisten } from './unlisten.ts';

/** Tries to admit the call now: the admitted call, or the account that blocks it. Throws when it is refused for good. */
export type Attempt = () => InFlight | Account;

/** One waiting call. */
export class WaitingCall implements Waiter {
  readonly admitted: Promise<InFlight>;
  readonly claim: Waiter['claim'];
  readonly #attempt: Attempt;
  readonly #waitMs: number;
  readonly #isPatient: boolean;
  readonly #msLeft: (account: Account) => number;
  readonly #signal: AbortSignal | undefined;
  readonly #onEnd: (call: WaitingCall) => void;
  #resolve: (call: InFlight) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #account: Account;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #windowTimer: ReturnType<typeof setTimeout> | undefined;
  #done = false;
  #trying = false;

  /**
   * @param order the place in the order of arrival
   * @param waitMs after so long, `onTimeout` says what the call is refused with
   * @param msLeft milliseconds until an account's window ends, when a new one opens
   */
  constructor(
    readonly order: number,
    account: Account,
    options: {
      readonly claim: Waiter['claim'];
      readonly attempt: Attempt;
      readonly waitMs: number;
      /** Whether it waits for other calls too, not for an authority's answer alone. */
      readonly isPatient: boolean;
      readonly msLeft: (account: Account) => number;
      readonly signal: AbortSignal | undefined;
      readonly onTimeout: (account: Account) => Error;
      readonly onEnd: (call: WaitingCall) => void;
    },
  ) {
    this.claim = options.claim;
    this.#attempt = options.attempt;
    this.#waitMs = options.waitMs;
    this.#isPatient = options.isPatient;
    this.#msLeft = options.msLeft;
    this.#signal = options.signal;
    this.#onEnd = options.onEnd;
    this.#account = account;
    // First: a signal that can't be listened to must leave no timer and no place in the queue.
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.admitted = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#timer = setTimeout(() => {
      this.retry(); // a clock that jumped may have opened a window
      this.refuse(options.onTimeout(this.#account));
    }, options.waitMs);
    this.#awaitWindow();
    enqueue(account, this);
  }

  /** Part of the ledger's queue: room has returned. */
  attempt(): true | Account {
    if (this.#done || this.#trying) return true;
    this.#trying = true; // a refusal closes the budget, which tries all that wait, this call included
    try {
      const result = this.#attempt();
      if ('pool' in result) {
        if (result !== this.#account) this.#moveTo(result);
        return result;
      }
      this.#end();
      this.#resolve(result);
    } catch (error) {
      this.#end();
      this.#reject(error as Error);
    } finally {
      this.#trying = false;
    }
    return true;
  }

  /** The authority of a shared budget has answered: a call that waits for nothing else tries a last time. */
  answered(): void {
    if (this.#isPatient) return;
    this.retry();
  }

  /** Tries again outside the queue's order of events: a budget was closed, a run stopped. */
  retry(): void {
    if (this.#done || this.#trying) return;
    const from = this.#account;
    this.#leaveQueue();
    const result = this.attempt();
    if (result !== true) enqueue(result, this);
    if (result !== from) admitWaiting(from); // those behind it may fit
  }

  /** Ends the wait with an error. */
  refuse(error: Error): void {
    if (this.#done) return;
    this.#leaveQueue();
    this.#end();
    this.#reject(error);
    admitWaiting(this.#account); // those behind it may fit
  }

  readonly #onAbort = (): void => this.refuse(this.#signal?.reason as Error);

  #moveTo(account: Account): void {
    this.#account = account;
    this.#awaitWindow();
  }

  /** Tries the queue again when the blocking account's window ends: the whole queue, so that its order holds. */
  #awaitWindow(): void {
    clearTimeout(this.#windowTimer);
    const ms = this.#msLeft(this.#account);
    if (this.#done || ms >= this.#waitMs) return;
    const onEnd = (): void => {
      admitWaiting(this.#account);
      if (!this.#done) this.#awaitWindow(); // a timer may run a little before its time
    };
    this.#windowTimer = setTimeout(onEnd, Math.max(1, ms));
  }

  #leaveQueue(): void {
    const { queue } = this.#account;
    const index = queue.indexOf(this);
    if (index !== -1) queue.splice(index, 1);
  }

  #end(): void {
    this.#done = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#windowTimer);
    unlisten(this.#signal, this.#onAbort);
    this.#onEnd(this);
  }
}
