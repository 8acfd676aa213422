/**
 * A run is one execution of an agent. It counts what its calls consumed, charges the runs around it too, and says
 * which of the guardrails is reached.
 */
import {
  CallLimitError,
  RuntimeLimitError,
  TokenLimitError,
  ToolLimitError,
  VelocityLimitError,
  type GuardrailError,
  type KillReason,
} from '../errors.ts';
import { formatUsd, nanoToUsd, type Nano } from '../money.ts';
import { MinuteSum } from './velocity.ts';

/** The guardrails of one run; a limit that is left out does not exist. */
export interface RunLimits {
  /** Input and output tokens together. The output cap of the last call is lowered to what is left. */
  readonly maxTokensPerRun?: number | undefined;
  /** Requests to a provider, retries included. */
  readonly maxCallsPerRun?: number | undefined;
  /** Seconds from the run's first call; calls in flight are aborted when they are over. */
  readonly maxRuntimeSeconds?: number | undefined;
  /** Tool calls that the model asks for; the next model call is refused. */
  readonly maxToolCallsPerRun?: number | undefined;
  /** Nano-dollars that may be spent in any 60 seconds. */
  readonly maxNanoPerMinute?: Nano | undefined;
}

/** A guardrail that was reached, and the reason that `onKill` gets. */
export interface Breach {
  readonly run: Run;
  readonly error: GuardrailError;
  readonly reason: KillReason;
}

/** One execution of an agent. */
export class Run {
  calls = 0;
  tokens = 0;
  toolCalls = 0;
  spent: Nano = 0;
  /** Monotonic time of the first call. */
  startedAt: number | undefined;
  /** The first breach; every later call of the run is refused with it. */
  stopped: Breach | undefined;
  #controller = new AbortController();
  #minute: MinuteSum | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly id: string,
    readonly limits: RunLimits,
    readonly parent: Run | undefined,
  ) {
    this.#minute = limits.maxNanoPerMinute === undefined ? undefined : new MinuteSum();
  }

  /** Aborts when the run, or one around it, is stopped for a reason that ends calls in flight. */
  get signal(): AbortSignal {
    const own = this.#controller.signal;
    return this.parent === undefined ? own : AbortSignal.any([own, this.parent.signal]);
  }

  /** The first limit reached on this run or on one around it. */
  breach(monotonic: number): Breach | undefined {
    for (let run: Run | undefined = this; run !== undefined; run = run.parent) {
      const breach = run.stopped ?? run.#check(monotonic);
      if (breach !== undefined) return breach;
    }
    return undefined;
  }

  /** Tokens that this run and the runs around it have left. */
  tokensLeft(): number {
    let left = Number.POSITIVE_INFINITY;
    for (let run: Run | undefined = this; run !== undefined; run = run.parent) {
      const limit = run.limits.maxTokensPerRun;
      if (limit !== undefined && limit - run.tokens < left) left = limit - run.tokens;
    }
    return left;
  }

  /**
   * Counts a request that is about to be sent.
   *
   * @param onTimeUp called once when the run's time is over, while it may have calls in flight
   */
  begin(monotonic: number, onTimeUp: (breach: Breach) => void): void {
    for (let run: Run | undefined = this; run !== undefined; run = run.parent) {
      run.calls += 1;
      if (run.startedAt === undefined) run.#start(monotonic, onTimeUp);
    }
  }

  /** Takes back a request that was never sent. */
  unsend(): void {
    for (let run: Run | undefined = this; run !== undefined; run = run.parent) {
      if (run.calls > 0) run.calls -= 1; // it may have been restarted meanwhile
    }
  }

  /** Adds what a call consumed. */
  record(nano: Nano, tokens: number, toolCalls: number, monotonic: number): void {
    for (let run: Run | undefined = this; run !== undefined; run = run.parent) {
      run.spent += nano;
      run.tokens += tokens;
      run.toolCalls += toolCalls;
      run.#minute?.add(nano, monotonic);
    }
  }

  /** Whether `run` is this run or one around it. */
  isWithin(run: Run): boolean {
    for (let own: Run | undefined = this; own !== undefined; own = own.parent) if (own === run) return true;
    return false;
  }

  /** Refuses all further calls of the run. */
  stop(breach: Breach, abort: boolean): void {
    this.stopped ??= breach;
    if (abort) this.#controller.abort(breach.error);
  }

  /** Takes calls again, counting from zero. */
  restart(): void {
    this.end();
    this.calls = 0;
    this.tokens = 0;
    this.toolCalls = 0;
    this.spent = 0;
    this.startedAt = undefined;
    this.stopped = undefined;
    this.#minute = this.limits.maxNanoPerMinute === undefined ? undefined : new MinuteSum();
    if (this.#controller.signal.aborted) this.#controller = new AbortController();
  }

  /** Seconds since the first call; 0 before it. */
  elapsedSeconds(monotonic: number): number {
    return this.startedAt === undefined ? 0 : (monotonic - this.startedAt) / 1000;
  }

  /** Ends the run's timer. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #start(monotonic: number, onTimeUp: (breach: Breach) => void): void {
    this.startedAt = monotonic;
    const seconds = this.limits.maxRuntimeSeconds;
    if (seconds === undefined) return;
    // The timer only serves calls in flight; the clock decides for new ones.
    this.#arm(seconds * 1000, () => onTimeUp(this.#timeUp(seconds, seconds)));
  }

  /** Waits in steps, since one timer can't wait longer than 2^31 ms. */
  #arm(ms: number, onTimeUp: () => void): void {
    const step = Math.min(ms, LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => (ms > step ? this.#arm(ms - step, onTimeUp) : onTimeUp()), step);
    unref(this.#timer);
  }

  #timeUp(elapsed: number, seconds: number): Breach {
    const error = new RuntimeLimitError(
      `Run ${this.id} has run for ${elapsed.toFixed(1)} s; maxRuntimeSeconds is ${seconds}. Raise the guardrail or start a new run with guard.run().`,
      this.id,
      seconds,
      elapsed,
    );
    return { run: this, error, reason: 'duration' };
  }

  #check(monotonic: number): Breach | undefined {
    const { maxCallsPerRun, maxTokensPerRun, maxToolCallsPerRun, maxRuntimeSeconds, maxNanoPerMinute } = this.limits;
    const { id } = this;
    if (maxCallsPerRun !== undefined && this.calls >= maxCallsPerRun) {
      const text = `Run ${id} has made ${this.calls} calls; maxCallsPerRun is ${maxCallsPerRun}, retries included. ${ADVICE}`;
      return { run: this, error: new CallLimitError(text, id, maxCallsPerRun, this.calls), reason: 'calls' };
    }
    if (maxTokensPerRun !== undefined && this.tokens >= maxTokensPerRun) {
      const text = `Run ${id} has used ${this.tokens} tokens; maxTokensPerRun is ${maxTokensPerRun}. ${ADVICE}`;
      return { run: this, error: new TokenLimitError(text, id, maxTokensPerRun, this.tokens), reason: 'tokens' };
    }
    if (maxToolCallsPerRun !== undefined && this.toolCalls >= maxToolCallsPerRun) {
      const text = `Run ${id} has asked for ${this.toolCalls} tool calls; maxToolCallsPerRun is ${maxToolCallsPerRun}. ${ADVICE}`;
      return { run: this, error: new ToolLimitError(text, id, maxToolCallsPerRun, this.toolCalls), reason: 'tools' };
    }
    if (maxRuntimeSeconds !== undefined && this.startedAt !== undefined) {
      const elapsed = this.elapsedSeconds(monotonic);
      if (elapsed >= maxRuntimeSeconds) return this.#timeUp(elapsed, maxRuntimeSeconds);
    }
    if (maxNanoPerMinute !== undefined && this.#minute !== undefined) {
      const spent = this.#minute.at(monotonic);
      if (spent >= maxNanoPerMinute) {
        const text = `Run ${id} has spent ${formatUsd(spent)} in the last minute; maxUsdPerMinute is ${formatUsd(maxNanoPerMinute)}. Find out why, then guard.resume().`;
        const error = new VelocityLimitError(text, id, nanoToUsd(maxNanoPerMinute), nanoToUsd(spent));
        return { run: this, error, reason: 'velocity' };
      }
    }
    return undefined;
  }
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

const ADVICE = 'Raise the guardrail or start a new run with guard.run().';

/** Lets a process end although the timer is set; browsers have nothing to do. */
export function unref(timer: ReturnType<typeof setTimeout>): void {
  if (typeof timer === 'object') timer.unref();
}
