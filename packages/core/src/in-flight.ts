/**
 * A call in flight: it holds a reservation and ends in exactly one settle or release, whatever happens first: the
 * answer, an error, an abort, a kill, a time-out, or nobody reading on.
 */
import type { Account } from './budget/pool.ts';
import type { CallGrant, CallRequest, CallResult, Usage } from './call.ts';
import type { Claim } from './claim.ts';
import type { CallOutcome } from './events.ts';
import type { Run } from './guardrails/run.ts';
import { blocker, Reservation } from './budget/ledger.ts';
import { billOf, holds, isCount, type FailureBill } from './outcome.ts';
import { Pace } from './pace.ts';
import type { Price } from './pricing/price.ts';
import type { CallLayer, Frame } from './scope.ts';
import { chargeFor, partOfReservation, released, wholeReservation, withInner, type Charge } from './settlement.ts';
import type { Unfinished } from './unfinished.ts';
import { unlisten } from './unlisten.ts';

/** What the engine does for a call. */
export interface CallHost {
  readonly cancelMarginTokens: number;
  readonly onUnknownUsage: 'reservation' | 'seen';
  /** The price of the model that answered, where it differs from the one asked. */
  answeringPrice(asked: Price, model: string): Price;
  /** Milliseconds that never go backwards. */
  monotonic(): number;
  /** Takes the call out of the set of calls in flight. */
  left(call: InFlight): void;
  /** Books what the call consumed; the reservation is settled with the same figures. */
  charged(call: InFlight, charge: Charge, model: string): void;
  /** Books a call that is over once the work on its input bound is done. */
  readonly unfinished: Unfinished;
}

/** Below this many tokens an input bound is charged as it is: a tokenizer would change nothing that matters. */
const SHARPEN_FROM_TOKENS = 2_000;

/** One granted call. It is its own grant: what the callback gets. */
export class InFlight implements CallGrant, CallLayer {
  readonly reservation: Reservation;
  readonly maxOutputTokens: number | undefined;
  readonly model: string;
  readonly identity: object | undefined;
  takenOverBy: Set<object> | undefined;
  /** Ends the caller's wait when the call is stopped from outside. */
  onStop: ((error: Error) => void) | undefined;
  /** Set while a stream is open. */
  pace: Pace | undefined;
  readsSeen = -1;
  idleTicks = 0;
  /** UTF-8 bytes of output seen in a stream: an upper bound of its tokens. */
  outputSeen = 0;
  toolCalls = 0;
  /** The provider's final word in a stream. */
  reported: Usage | undefined;
  /** The stream carried an error event: what was billed can't be known. */
  failed = false;
  /** The stream was shown to its end, although its consumer may leave before it closes. */
  saidAll = false;
  #answeringModel: string | undefined;
  /** What inner layers that took this reservation over have reported. */
  #inner: Usage[] | undefined;
  /** An inner layer's request was answered: something is billed, whatever the callback makes of it. */
  #isAnswered = false;
  #ended = false;
  #stopped: Error | undefined;
  #controller: AbortController | undefined;
  #onUserAbort: (() => void) | undefined;

  constructor(
    readonly host: CallHost,
    readonly claim: Claim,
    readonly run: Run,
    readonly accounts: readonly Account[],
    /** Monotonic milliseconds. */
    readonly startedAt: number,
    /** Wall-clock milliseconds: the moment whose windows are charged. */
    readonly startedNow: number,
    /** Whose call it is. */
    readonly frame: Frame | undefined,
  ) {
    const { request } = claim;
    this.maxOutputTokens = claim.capToSend;
    this.model = request.model;
    this.identity = identityOf(request);
    if (request.signal !== undefined) this.#follow(request.signal);
    this.reservation = new Reservation(accounts, claim.usd, claim.tokens, claim.calls); // last: nothing may throw after it
  }

  /** Whether the call has ended; the reservation may still be held while a charged input bound is being sharpened. */
  get ended(): boolean {
    return this.#ended;
  }

  report(usage: Usage | undefined): void {
    this.#isAnswered = true;
    if (usage !== undefined) (this.#inner ??= []).push(usage);
  }

  covers(request: CallRequest): boolean {
    return this.claim.covers(request);
  }

  holdFor(inner: CallRequest): Account | undefined {
    const { claim, accounts } = this;
    if (claim.covers(inner)) return undefined;
    const extra = claim.excess(inner);
    // Those that wait in a queue wait for this call too: it goes before them.
    const blocked = claim.policy.mode === 'hard' ? blocker(accounts, extra, 0) : undefined;
    if (blocked !== undefined) return blocked;
    this.reservation.add(extra);
    claim.grow(inner, extra);
    return undefined;
  }

  /** What stopped the call from outside, if anything did. */
  get stopped(): Error | undefined {
    return this.#stopped;
  }

  /** Aborts on kill, time-out, idling and the caller's own abort. Made when first asked for. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      const { signal } = this.claim.request;
      if (this.#stopped !== undefined) this.#controller.abort(this.#stopped);
      else if (signal?.aborted === true) this.#controller.abort(signal.reason);
    }
    return this.#controller.signal;
  }

  /** Which model answers, where the answer names one. */
  answeredBy(model: unknown): void {
    if (typeof model === 'string' && model !== '') this.#answeringModel = model;
  }

  /** The provider answered in full. */
  complete(result: Pick<CallResult<unknown>, 'usage' | 'model' | 'toolCalls' | 'cached'>): void {
    this.answeredBy(result.model);
    if (isCount(result.toolCalls)) this.toolCalls = result.toolCalls;
    if (result.cached === true && !this.#isAnswered) this.release(false);
    else if (!this.#chargeUsage(withInner(result.usage, this.#inner))) this.#chargeReservation('unknown');
  }

  /** The call's stream is open: from here on it is watched for reads. The caller may have aborted while it was opened. */
  streams(): void {
    this.pace = new Pace(this.host.monotonic());
    const { signal } = this.claim.request;
    if (signal?.aborted === true) this.stop(toError(signal.reason), 'cancelled');
  }

  /** A stream ended: its usage where it was reported, else the input bound and the output seen. */
  completeStream(): void {
    if (this.failed) this.loseStream();
    else if (!this.#chargeUsage(this.reported)) this.#chargeShown('completed', 0);
  }

  /** The callback failed before it brought an answer. */
  fail(error: unknown): void {
    // What an inner layer was answered is billed, whatever fails after it: only another request of the callback can have failed.
    if (this.#isAnswered)
      return void (this.#chargeUsage(withInner(undefined, this.#inner)) || this.#chargeReservation('unknown'));
    const isAborted = this.#controller?.signal.aborted === true || this.claim.request.signal?.aborted === true;
    // Whoever aborts may give any reason, an error with a status included: it is not the provider's answer.
    const bill = isAborted && holds(error, this.signal.reason) ? 'unknown' : this.#billOf(error);
    if (bill !== 'unknown') return this.release(bill === 'refused');
    this.#chargeReservation(isAborted ? 'cancelled' : 'unknown');
  }

  /** An open stream was cancelled promptly. What was reported before stays exact. */
  cancelStream(): void {
    if (this.failed) this.loseStream();
    else if (this.saidAll) this.completeStream();
    else if (this.#chargeUsage(this.reported)) return;
    else if (this.pace?.isPrompt(this.host.monotonic()) === false) this.#chargeReservation('cancelled');
    else this.#chargeShown('cancelled', this.host.cancelMarginTokens);
  }

  /** Nobody can know what was billed: never read, stalled, connection lost, an error inside the stream. */
  loseStream(): void {
    if (!this.failed && this.#chargeUsage(this.reported)) return;
    if (this.host.onUnknownUsage === 'seen') this.#chargeSeen('unknown', this.host.cancelMarginTokens);
    else this.#chargeReservation('unknown');
  }

  /** Returns the reservation: the provider billed nothing. @param sent whether it got the request at all */
  release(sent: boolean): void {
    if (!this.#leave()) return;
    if (!sent) this.run.unsend();
    this.#book(released(sent));
  }

  /**
   * Stops the call from outside: the provider is aborted, the caller's wait ends with the error, the reservation
   * settles by what is known.
   */
  stop(error: Error, cause: 'cancelled' | 'idle' | 'left'): void {
    if (this.#ended) return;
    this.#stopped = error;
    if (this.onStop === undefined)
      this.release(false); // admitted from the queue, and not sent yet
    else if (this.pace === undefined) this.#chargeReservation('cancelled');
    else if (cause === 'idle' || (cause === 'cancelled' && this.claim.request.unstoppable === true)) this.loseStream();
    else this.cancelStream();
    this.#controller?.abort(error);
    this.onStop?.(error);
  }

  /** Aborts the provider after the consumer has left: a source that waits for its next chunk would not notice. */
  abandon(reason: unknown): void {
    this.#controller?.abort(reason);
  }

  #follow(signal: AbortSignal): void {
    this.#onUserAbort = () => {
      const reason: unknown = signal.reason;
      this.#controller?.abort(reason);
      // An open stream may have no read pending that would notice; a promise is left to the callback's own answer.
      if (this.pace !== undefined) this.stop(toError(reason), 'cancelled');
    };
    signal.addEventListener('abort', this.#onUserAbort, { once: true });
  }

  #billOf(error: unknown): FailureBill {
    try {
      if (this.claim.request.notSent?.(error) === true) return 'not sent';
    } catch {
      // A classifier that fails has classified nothing.
    }
    return billOf(error);
  }

  /** Charges what the provider reported. @returns false when it reported nothing that can be priced */
  #chargeUsage(usage: Usage | undefined): boolean {
    const { claim } = this;
    const charge = chargeFor(claim, usage, this.#answeringModel, (model) =>
      this.host.answeringPrice(claim.price, model),
    );
    if (charge === undefined) return false;
    if (this.#leave()) this.#book(charge);
    return true;
  }

  #chargeReservation(outcome: CallOutcome): void {
    if (this.#leave()) this.#book(wholeReservation(this.claim, outcome));
  }

  /** Charges what the stream showed, unless it may have hidden some of it. */
  #chargeShown(outcome: CallOutcome, margin: number): void {
    if (this.claim.hidesOutput) this.#chargeReservation(outcome);
    else this.#chargeSeen(outcome, margin);
  }

  /** Charges the input bound and the output seen, never more than the reservation. */
  #chargeSeen(outcome: CallOutcome, margin: number): void {
    if (!this.#leave()) return;
    const { claim } = this;
    const book = (): void => this.#book(partOfReservation(claim, this.outputSeen + margin, outcome));
    try {
      claim.tighten();
    } catch {
      // The input can't be read any more; the bound that is held stays.
    }
    if (!claim.blurred || claim.inputBound < SHARPEN_FROM_TOKENS) book();
    // The call is over, but its reservation is held for the milliseconds that the tokenizer takes.
    else this.host.unfinished.bookAfter(claim.sharpen(), book);
  }

  #book(charge: Charge): void {
    this.host.charged(this, charge, this.#answeringModel ?? this.model);
  }

  /** Marks the end of the call. @returns false when it had ended before: whoever comes second changes nothing */
  #leave(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.host.left(this);
    if (this.#onUserAbort !== undefined) unlisten(this.claim.request.signal, this.#onUserAbort);
    return true;
  }
}

/** What identifies a request through several guarded layers. */
export function identityOf({ identity, input }: CallRequest): object | undefined {
  return identity ?? (typeof input === 'object' && input !== null ? input : undefined);
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException(String(reason), 'AbortError');
}
