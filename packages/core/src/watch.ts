/**
 * One timer for all calls in flight: it ends those that run past `maxCallSeconds` and streams that nobody reads. The
 * hot path starts no timer and reads no clock for it.
 */
import { CallTimeoutError, StreamIdleError } from './errors.ts';
import type { Mode } from './config/policy.ts';
import { unref } from './guardrails/run.ts';
import type { InFlight } from './in-flight.ts';

/** Looks are this many to an idle limit, so a stream ends between 1 and 1.25 of it. */
const TICKS_PER_IDLE = 4;

/** Options of the watch, in milliseconds. */
export interface WatchLimits {
  /** Under `observe` nothing is stopped; a stream that nobody reads only gives its reservation back. */
  readonly mode: Mode;
  readonly maxCallMs: number;
  readonly idleMs: number;
}

/** Watches the calls in flight of one guard. */
export class Watch {
  readonly #calls: ReadonlySet<InFlight>;
  readonly #limits: WatchLimits;
  readonly #monotonic: () => number;
  readonly #tickMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(calls: ReadonlySet<InFlight>, limits: WatchLimits, monotonic: () => number) {
    this.#calls = calls;
    this.#limits = limits;
    this.#monotonic = monotonic;
    this.#tickMs = Math.max(1, Math.min(1000, limits.idleMs / TICKS_PER_IDLE, limits.maxCallMs));
  }

  /** Makes sure that a look is due; called for each new call. */
  wake(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(this.#look, this.#tickMs);
    unref(this.#timer);
  }

  /** Ends the timer. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const now = this.#monotonic();
    const idleLooks = Math.ceil(this.#limits.idleMs / this.#tickMs);
    const observes = this.#limits.mode === 'observe';
    for (const call of this.#calls) {
      if (observes) {
        if (isIdle(call, idleLooks)) call.loseStream();
      } else if (now - call.startedAt >= this.#limits.maxCallMs)
        call.stop(timedOut(this.#limits.maxCallMs), 'cancelled');
      else if (isIdle(call, idleLooks)) call.stop(idled(this.#limits.idleMs), 'idle');
    }
    if (this.#calls.size > 0) this.wake();
  };
}

/** Whether a stream's consumer has not asked for a chunk for so many looks. A slow provider is not an idle consumer. */
function isIdle(call: InFlight, looks: number): boolean {
  const { pace } = call;
  if (pace === undefined) return false;
  if (pace.reading || pace.reads !== call.readsSeen) {
    call.readsSeen = pace.reads;
    call.idleTicks = 0;
    return false;
  }
  call.idleTicks += 1;
  return call.idleTicks >= looks;
}

function timedOut(ms: number): CallTimeoutError {
  const seconds = ms / 1000;
  return new CallTimeoutError(
    `The call ran longer than maxCallSeconds (${seconds} s) and was aborted. Raise maxCallSeconds if your calls take longer.`,
    seconds,
  );
}

function idled(ms: number): StreamIdleError {
  return new StreamIdleError(
    `The stream was not read for ${ms} ms (idleMs); it was settled at its full reservation and the provider was cancelled. Read streams to their end, or cancel them.`,
    ms,
  );
}
