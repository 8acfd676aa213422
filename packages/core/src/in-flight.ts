/**
 * A call in flight: it holds a reservation and ends in exactly one settle or release, whatever happens first: the
 * answer, an error, an abort, a kill, a time-out, or nobody reading on.
 */
import type { Account } from './budget/pool.ts';
import type { CallGrant, CallRequest, CallResult, Usage } from './call.ts';
import type { Claim } from './claim.ts';
import type { CallOutcome } from './events.ts';
import type { Run } from './guardrails/run.ts';
import type { Reservation } from './budget/ledger.ts';
import { billOf, isCount, isReported, knownUsage, type FailureBill } from './outcome.ts';
import { costOf, worstCost, type Price } from './pricing/price.ts';
import type { CallLayer } from './scope.ts';

/** What the engine does for a call. */
export interface CallHost {
  readonly cancelMarginTokens: number;
  readonly onUnknownUsage: 'reservation' | 'seen';
  /** The price of the model that answered, where it differs from the one asked. */
  answeringPrice(asked: Price, model: string): Price;
  /** Takes the call out of the set of calls in flight. */
  left(call: InFlight): void;
  /** Books what the call consumed; the reservation is settled with the same figures. */
  charged(call: InFlight, charge: Charge): void;
  /** Keeps a promise that `flush()` and `close()` wait for. */
  track(work: Promise<void>): void;
}

/** What a call is charged in the end. */
export interface Charge {
  readonly outcome: CallOutcome;
  readonly usd: number;
  readonly tokens: number;
  readonly calls: number;
  readonly toolCalls: number;
  readonly estimated: boolean;
  readonly model: string;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
}

/** Below this many tokens an input bound is charged as it is: a tokenizer would change nothing that matters. */
const SHARPEN_FROM_TOKENS = 2_000;

/** One granted call. It is its own grant: what the callback gets. */
export class InFlight implements CallGrant, CallLayer {
  readonly maxOutputTokens: number | undefined;
  readonly model: string;
  readonly identity: object | undefined;
  takenOverBy: Set<object> | undefined;
  /** Ends the caller's wait when the call is stopped from outside. */
  onStop: ((error: Error) => void) | undefined;
  /** Set while a stream is open: how often it was read, for the idle watchdog. */
  reads: number | undefined;
  /** A chunk was asked for and has not come yet. */
  reading = false;
  readsSeen = -1;
  idleTicks = 0;
  /** UTF-8 bytes of output seen in a stream: an upper bound of its tokens. */
  outputSeen = 0;
  toolCalls = 0;
  /** The provider's final word in a stream. */
  reported: Usage | undefined;
  /** The stream carried an error event: what was billed can't be known. */
  failed = false;
  #answeringModel: string | undefined;
  #ended = false;
  #stopped: Error | undefined;
  #controller: AbortController | undefined;
  #onUserAbort: (() => void) | undefined;

  constructor(
    readonly host: CallHost,
    readonly claim: Claim,
    readonly run: Run,
    readonly reservation: Reservation,
    /** Monotonic milliseconds. */
    readonly startedAt: number,
  ) {
    const { request } = claim;
    this.maxOutputTokens = claim.capToSend;
    this.model = request.model;
    this.identity = identityOf(request);
    if (request.signal !== undefined) this.#follow(request.signal);
  }

  /** Whether the call has ended; the reservation may still be held while a charged input bound is being sharpened. */
  get ended(): boolean {
    return this.#ended;
  }

  get accounts(): readonly Account[] {
    return this.reservation.accounts;
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
    if (result.cached === true) this.release(false);
    else if (!this.#chargeUsage(result.usage)) this.#chargeReservation('unknown');
  }

  /** The call's stream is open: from here on it is watched for reads. The caller may have aborted while it was opened. */
  streams(): void {
    this.reads = 0;
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
    const bill = this.#billOf(error);
    if (bill !== 'unknown') return this.release(bill === 'refused');
    const isAborted = this.#controller?.signal.aborted === true || this.claim.request.signal?.aborted === true;
    this.#chargeReservation(isAborted ? 'cancelled' : 'unknown');
  }

  /** An open stream was cancelled promptly. What was reported before stays exact. */
  cancelStream(): void {
    if (this.failed) this.loseStream();
    else if (!this.#chargeUsage(this.reported)) this.#chargeShown('cancelled', this.host.cancelMarginTokens);
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
    this.#book('released', 0, 0, sent ? 1 : 0, false, undefined, undefined);
  }

  /**
   * Stops the call from outside: the provider is aborted, the caller's wait ends with the error, the reservation
   * settles by what is known.
   */
  stop(error: Error, cause: 'cancelled' | 'idle'): void {
    if (this.#ended) return;
    this.#stopped = error;
    if (this.onStop === undefined)
      this.release(false); // admitted from the queue, and not sent yet
    else if (this.reads === undefined) this.#chargeReservation('cancelled');
    else if (cause === 'idle') this.loseStream();
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
      if (this.reads !== undefined) this.stop(toError(reason), 'cancelled');
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
    let charge;
    try {
      if (!isReported(usage)) return false;
      charge = this.#priced(knownUsage(usage));
    } catch {
      return false; // a report that can't be read is none
    }
    if (!this.#leave()) return true;
    const { usd, estimated, inputTokens, outputTokens } = charge;
    this.#book('completed', usd, (inputTokens ?? 0) + (outputTokens ?? 0), 1, estimated, inputTokens, outputTokens);
    return true;
  }

  #priced(known: Usage): Pick<Charge, 'usd' | 'estimated' | 'inputTokens' | 'outputTokens'> {
    const { claim } = this;
    const { request, price: asked } = claim;
    const priceOf = (model: string): Price => this.host.answeringPrice(asked, model);
    const price = this.#answeringModel === undefined ? asked : priceOf(this.#answeringModel);
    const isPaidByImage = price.kind === 'image' && price.imageTokens === 0 && known.images !== undefined;
    const isInputKnown = known.inputTokens !== undefined || isPaidByImage;
    const isOutputKnown = known.outputTokens !== undefined || isPaidByImage || price.kind === 'embedding';
    const inputTokens = isInputKnown ? known.inputTokens : claim.inputBound;
    const outputTokens = isOutputKnown ? known.outputTokens : claim.tokens - claim.inputBound;
    const estimated = !isInputKnown || !isOutputKnown;
    let usd = costOf(price, estimated ? { ...known, inputTokens, outputTokens } : known, priceOf);
    if (estimated) {
      // What was left out may have been of the dearest kind.
      const perAnswer = Math.ceil((outputTokens ?? 0) / (request.candidates ?? 1));
      usd = Math.max(usd, Math.min(claim.usd, worstCost(price, inputTokens ?? 0, perAnswer, request)));
    }
    return { usd, estimated, inputTokens, outputTokens };
  }

  #chargeReservation(outcome: CallOutcome): void {
    if (!this.#leave()) return;
    const { usd, tokens, inputBound } = this.claim;
    this.#book(outcome, usd, tokens, 1, true, inputBound, tokens - inputBound);
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
    const book = (): void => {
      const input = claim.inputBound;
      const output = this.outputSeen + margin;
      const usd = Math.min(claim.usd, worstCost(claim.price, input, output, claim.request));
      this.#book(outcome, usd, Math.min(claim.tokens, input + output), 1, true, input, output);
    };
    claim.tighten();
    if (!claim.blurred || claim.inputBound < SHARPEN_FROM_TOKENS) book();
    // The call is over, but its reservation is held for the milliseconds that the tokenizer takes.
    else this.host.track(claim.sharpen().then(book, book));
  }

  #book(
    outcome: CallOutcome,
    usd: number,
    tokens: number,
    calls: number,
    estimated: boolean,
    inputTokens: number | undefined,
    outputTokens: number | undefined,
  ): void {
    const model = this.#answeringModel ?? this.model;
    const { toolCalls } = this;
    this.host.charged(this, { outcome, usd, tokens, calls, toolCalls, estimated, model, inputTokens, outputTokens });
  }

  /** Marks the end of the call. @returns false when it had ended before: whoever comes second changes nothing */
  #leave(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    if (this.#onUserAbort !== undefined) this.claim.request.signal?.removeEventListener('abort', this.#onUserAbort);
    this.host.left(this);
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
