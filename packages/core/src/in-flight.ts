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
import { hasErrorStatus, isReported, knownUsage, wasNeverSent } from './outcome.ts';
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
  claimed = false;
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
  answeringModel: string | undefined;
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

  /** The provider answered in full. */
  complete(result: Pick<CallResult<unknown>, 'usage' | 'model' | 'toolCalls' | 'cached'>): void {
    if (result.model !== undefined) this.answeringModel = result.model;
    if (result.toolCalls !== undefined) this.toolCalls = result.toolCalls;
    if (result.cached === true) this.release(false);
    else if (isReported(result.usage)) this.#chargeUsage(result.usage);
    else this.#chargeReservation('unknown');
  }

  /** A stream ended: its usage where it was reported, else the input bound and the output seen. */
  completeStream(usage: Usage | undefined): void {
    if (isReported(usage)) this.#chargeUsage(usage);
    else this.#chargeSeen('completed', 0);
  }

  /** The callback failed before it brought an answer. */
  fail(error: unknown): void {
    if (this.#wasNeverSent(error)) this.release(false);
    else if (hasErrorStatus(error)) this.release(true);
    else this.#chargeReservation(this.#isAborted() ? 'cancelled' : 'unknown');
  }

  /** An open stream was cancelled promptly. */
  cancelStream(): void {
    this.#chargeSeen('cancelled', this.host.cancelMarginTokens);
  }

  /** Nobody can know what was billed: never read, stalled, connection lost, an error inside the stream. */
  loseStream(): void {
    if (this.host.onUnknownUsage === 'seen') this.#chargeSeen('unknown', this.host.cancelMarginTokens);
    else this.#chargeReservation('unknown');
  }

  /** Returns the reservation: the provider billed nothing. @param sent whether it got the request at all */
  release(sent: boolean): void {
    if (!this.#leave()) return;
    if (!sent) this.run.unsend();
    this.#book({ outcome: 'released', usd: 0, tokens: 0, calls: sent ? 1 : 0, estimated: false });
  }

  /**
   * Stops the call from outside: the provider is aborted, the caller's wait ends with the error, the reservation
   * settles by what is known.
   */
  stop(error: Error, cause: 'cancelled' | 'idle'): void {
    if (this.#ended) return;
    this.#stopped = error;
    if (this.reads === undefined) this.#chargeReservation('cancelled');
    else if (cause === 'idle') this.loseStream();
    else this.cancelStream();
    this.#controller?.abort(error);
    this.onStop?.(error);
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

  #isAborted(): boolean {
    return this.#controller?.signal.aborted === true || this.claim.request.signal?.aborted === true;
  }

  #wasNeverSent(error: unknown): boolean {
    return this.claim.request.notSent?.(error) === true || wasNeverSent(error);
  }

  #chargeUsage(usage: Usage): void {
    if (!this.#leave()) return;
    const { claim } = this;
    const known = knownUsage(usage);
    const isText = claim.price.kind === 'text';
    const inputTokens = known.inputTokens ?? (known.images === undefined ? claim.inputBound : undefined);
    const outputTokens = known.outputTokens ?? (isText ? claim.tokens - claim.inputBound : undefined);
    const estimated = inputTokens !== known.inputTokens || outputTokens !== known.outputTokens;
    const priceOf = (model: string): Price => this.host.answeringPrice(claim.price, model);
    const price = this.answeringModel === undefined ? claim.price : priceOf(this.answeringModel);
    const usd = costOf(price, estimated ? { ...known, inputTokens, outputTokens } : known, priceOf);
    const tokens = (inputTokens ?? 0) + (outputTokens ?? 0);
    this.#book({ outcome: 'completed', usd, tokens, calls: 1, estimated, inputTokens, outputTokens });
  }

  #chargeReservation(outcome: CallOutcome): void {
    if (!this.#leave()) return;
    const { usd, tokens, inputBound } = this.claim;
    this.#book({
      outcome,
      usd,
      tokens,
      calls: 1,
      estimated: true,
      inputTokens: inputBound,
      outputTokens: tokens - inputBound,
    });
  }

  /** Charges the input bound and the output seen, never more than the reservation. */
  #chargeSeen(outcome: CallOutcome, margin: number): void {
    if (!this.#leave()) return;
    const { claim } = this;
    const book = (): void => {
      const inputTokens = claim.inputBound;
      const outputTokens = this.outputSeen + margin;
      const usd = Math.min(claim.usd, worstCost(claim.price, inputTokens, outputTokens, claim.request));
      const tokens = Math.min(claim.tokens, inputTokens + outputTokens);
      this.#book({ outcome, usd, tokens, calls: 1, estimated: true, inputTokens, outputTokens });
    };
    claim.tighten();
    if (!claim.blurred || claim.inputBound < SHARPEN_FROM_TOKENS) book();
    // The call is over, but its reservation is held for the milliseconds that the tokenizer takes.
    else this.host.track(claim.sharpen().then(book, book));
  }

  #book(charge: Pick<Charge, 'outcome' | 'usd' | 'tokens' | 'calls' | 'estimated'> & Partial<Charge>): void {
    this.host.charged(this, {
      inputTokens: undefined,
      outputTokens: undefined,
      toolCalls: this.toolCalls,
      model: this.answeringModel ?? this.model,
      ...charge,
    });
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
