/**
 * A reservation that its holder settles: for frameworks that tell by callbacks when a call begins and ends, so that no
 * function can be wrapped around it. Everywhere else `guard.call()` and `guard.stream()` are safer, since they settle by
 * themselves.
 */
import { admit } from './admission.ts';
import type { CallGrant, CallRequest, CallResult, StreamMeter } from './call.ts';
import type { Engine } from './engine.ts';
import { ungoverned } from './guarded-call.ts';
import { InFlight } from './in-flight.ts';
import { Meter } from './meter.ts';
import type { CallLayer } from './scope.ts';

/** What a call brought back, without the answer itself. */
export type CallFigures = Omit<CallResult<never>, 'value'>;

/**
 * A call whose worst case is held. Exactly one of `settle`, `fail` and `cancel` ends it; whatever comes later changes
 * nothing. A call that nobody ends is charged its whole reservation and aborted after `maxCallSeconds`, and one that has
 * begun to stream after `idleMs` without a chunk.
 */
export interface ReservedCall extends CallGrant {
  /** Takes what a stream shows. The first report makes the call a stream: ended early, it is charged what was seen. */
  readonly meter: StreamMeter;
  /** The provider answered. A stream without usage is charged the input bound and what was seen, anything else its reservation. */
  settle(figures?: CallFigures): void;
  /** The call failed: an error status releases the reservation, anything else is charged as `guard.call()` does. */
  fail(error: unknown): void;
  /** Nobody wants the answer any more: it is aborted, and charged as a cancelled call. */
  cancel(reason?: Error): void;
}

/**
 * Reserves a call's worst case, synchronously where there is room.
 *
 * @param onStop told once when the call is stopped from outside: a kill, a time-out, nobody reading
 * @throws a KavachError when the call is refused; nothing is held then
 */
export async function guardedReserve(
  engine: Engine,
  request: CallRequest,
  onStop: (error: Error) => void = () => undefined,
): Promise<ReservedCall> {
  const admitted = admit(engine, request);
  const call = admitted instanceof Promise ? await admitted : admitted;
  if (!(call instanceof InFlight)) return new RelayedCall(ungoverned(request), call?.call);
  if (call.stopped !== undefined) throw call.stopped; // between its place in the queue and here
  call.onStop = onStop;
  return new HeldCall(call);
}

class HeldCall implements ReservedCall {
  readonly meter: StreamMeter;
  readonly #call: InFlight;

  constructor(call: InFlight) {
    this.#call = call;
    this.meter = new ReportedMeter(call);
  }
  get signal(): AbortSignal {
    return this.#call.signal;
  }
  get maxOutputTokens(): number | undefined {
    return this.#call.maxOutputTokens;
  }
  get model(): string {
    return this.#call.model;
  }
  settle(figures: CallFigures = {}): void {
    const call = this.#call;
    if (call.pace === undefined || figures.cached === true) return call.complete(figures);
    call.answeredBy(figures.model);
    if (figures.usage !== undefined) call.reported = figures.usage;
    if (figures.toolCalls !== undefined) call.toolCalls = figures.toolCalls;
    call.completeStream();
  }
  fail(error: unknown): void {
    const call = this.#call;
    if (call.pace === undefined) call.fail(error);
    else if (call.signal.aborted) call.cancelStream();
    else call.loseStream();
  }
  cancel(reason: Error = new DOMException('The call was cancelled.', 'AbortError')): void {
    this.#call.onStop = () => undefined; // who cancels need not be told
    this.#call.stop(reason, 'left');
  }
}

/** Takes chunks that nobody asks for here. */
class ReportedMeter extends Meter {
  readonly #call: InFlight;

  constructor(call: InFlight) {
    super(call);
    this.#call = call;
  }
  override output(text: string): void {
    const call = this.#call;
    if (call.ended) return;
    if (call.pace === undefined) call.streams();
    call.pace?.reported(call.host.monotonic());
    super.output(text);
  }
}

/** A call that this guard does not govern, or that an outer layer holds already: its figures go there. */
class RelayedCall implements ReservedCall {
  readonly signal: AbortSignal;
  readonly maxOutputTokens: number | undefined;
  readonly model: string;
  readonly meter: StreamMeter = SILENT;
  readonly #layer: CallLayer | undefined;

  constructor({ signal, maxOutputTokens, model }: CallGrant, layer: CallLayer | undefined) {
    this.signal = signal;
    this.maxOutputTokens = maxOutputTokens;
    this.model = model;
    this.#layer = layer;
  }
  settle(figures: CallFigures = {}): void {
    if (figures.cached !== true) this.#layer?.report(figures.usage);
  }
  fail(): void {
    // The layer that holds the reservation sees the failure itself.
  }
  cancel(): void {
    // As above.
  }
}

const nothing = (): void => undefined;
const SILENT: StreamMeter = {
  output: nothing,
  usage: nothing,
  model: nothing,
  toolCall: nothing,
  failed: nothing,
  ended: nothing,
};
