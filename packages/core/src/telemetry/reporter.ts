/**
 * Delivers events to the backend: in batches, in order, again and again until they are there. It never throws into the
 * app, never keeps the process alive, and never gives an event up that the backend could still take.
 */
import PQueue from 'p-queue';
import { systemClock, type Clock } from '../clock.ts';
import { isolated } from '../events.ts';
import type { IngestAnswer, IngestRequest, Rejection, WireEvent } from '../wire/index.ts';
import { nonsense } from './answer.ts';
import { backoffMs } from './backoff.ts';
import { BatchSize } from './batch-size.ts';
import type { Batch, EventBuffer } from './buffer.ts';
import { DropNotice, warnToConsole, type Warn } from './drop-notice.ts';
import { BackendError } from '../wire/backend-error.ts';
import { Notice } from './notice.ts';
import { systemTimers, type Timers } from './timers.ts';

/** How often an idle reporter looks for what another process left behind. */
const IDLE_MS = 60_000;
/** Failures in a row that are told: one or two happen at every deployment. */
const SAY_AFTER_FAILURES = 3;

/** How a reporter works. */
export interface ReporterOptions {
  readonly buffer: EventBuffer;
  /** This process and guard, a UUID. */
  readonly instance: string;
  /** Delivers one batch. Throws a {@link BackendError}; anything else counts as `unavailable`. */
  readonly send: (request: IngestRequest) => Promise<IngestAnswer>;
  /** Is told of each answer, for kill states and combined totals. */
  readonly onAnswer?: ((answer: IngestAnswer, batch: Batch) => void) | undefined;
  /** Is told why the backend takes nothing more from the agent, at each answer that says so. */
  readonly onRejection?: ((reason: Rejection) => void) | undefined;
  /** Milliseconds from an event to its batch. Default 1,000. */
  readonly intervalMs?: number | undefined;
  /** Events that start a batch at once. Default 100. */
  readonly eagerEvents?: number | undefined;
  /** Events in a batch at most. Default 500. */
  readonly batchEvents?: number | undefined;
  /** Bytes of a batch at most. Default 1 MB. */
  readonly batchBytes?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly timers?: Timers | undefined;
  readonly random?: (() => number) | undefined;
  readonly warn?: Warn | undefined;
}

/** What became of the events, since the reporter was made. What a process before it had left behind counts too. */
export interface Delivery {
  /** Stored by the backend. */
  readonly delivered: number;
  /** Refused by the backend for good: they lie in its dead letters, or were too much for it one by one. */
  readonly rejected: number;
  /** Lost by the buffer. */
  readonly dropped: number;
  /** Still waiting. */
  readonly pending: number;
}

/** Sends what is in a buffer. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #buffer: EventBuffer;
  readonly #clock: Clock;
  readonly #warn: Warn;
  readonly #timers: Timers;
  readonly #random: () => number;
  readonly #intervalMs: number;
  readonly #eagerEvents: number;
  readonly #batchBytes: number;
  readonly #size: BatchSize;
  readonly #rejections: DropNotice;
  readonly #outage: Notice;
  // One batch at a time: order holds, and a slow backend is not made slower.
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #waiting = new Set<() => void>();
  #delivered = 0;
  #fresh = 0;
  #failures = 0;
  /** `backoff` ends early for a flush; `retry-after`, which the backend asked for, does not. */
  #pause: 'none' | 'backoff' | 'retry-after' = 'none';
  #timer: { readonly kind: 'due' | 'idle'; readonly cancel: () => void } | undefined;
  #lastRefusal = '';
  #stopped = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#buffer = options.buffer;
    this.#clock = options.clock ?? systemClock;
    this.#timers = options.timers ?? systemTimers;
    this.#random = options.random ?? Math.random;
    this.#warn = options.warn ?? warnToConsole;
    this.#intervalMs = options.intervalMs ?? 1_000;
    this.#eagerEvents = options.eagerEvents ?? 100;
    this.#batchBytes = options.batchBytes ?? 1_000_000;
    this.#size = new BatchSize(options.batchEvents ?? 500);
    this.#outage = new Notice(this.#clock, this.#warn);
    this.#rejections = new DropNotice(
      (total, more) =>
        `The backend refused ${more} event${more === 1 ? '' : 's'} for good (${total} in all). The last one: ${sentence(this.#lastRefusal)}`,
      this.#clock,
      this.#warn,
    );
    // What an earlier process left behind is delivered although nothing happens in this one.
    this.#startTimer('due', this.#intervalMs);
  }

  /** Keeps an event and delivers it later. Never throws, never waits. */
  append(event: WireEvent): void {
    this.#buffer.append(event);
    this.#fresh += 1;
    if (this.#fresh === this.#eagerEvents && this.#pause === 'none') this.#startDrain();
    else if (this.#timer?.kind !== 'due') this.#startTimer('due', this.#intervalMs);
  }

  /** What became of the events so far. */
  get delivery(): Delivery {
    return {
      delivered: this.#delivered,
      rejected: this.#rejections.total,
      dropped: this.#buffer.dropped,
      pending: this.#buffer.size,
    };
  }

  /**
   * Delivers now all that was appended before, and what an earlier process left behind. Never rejects.
   *
   * @param timeoutMs how long to try. The process stays for it. Default 5,000
   */
  async flush(timeoutMs = 5_000): Promise<Delivery> {
    await new Promise<void>((resolve) => {
      let goal = Infinity;
      const end = (): void => {
        cancel();
        this.#waiting.delete(look);
        resolve();
      };
      const look = (): void => {
        if (this.#gone >= goal) end();
      };
      const cancel = this.#timers.start(timeoutMs, end, true);
      this.#waiting.add(look);
      void this.#buffer.flush().then(() => {
        // The buffer hands out in order: when so many are gone, these are.
        goal = this.#gone + this.#buffer.size;
        look();
        if (this.#pause === 'backoff') this.#pause = 'none';
        if (this.#gone < goal) this.#startDrain();
      });
    });
    return this.delivery;
  }

  /** Flushes, then stops. What is not delivered by then stays in the buffer, which is the caller's to close. */
  async close(timeoutMs = 5_000): Promise<Delivery> {
    const delivery = await this.flush(timeoutMs);
    this.#stopped = true;
    this.#timer?.cancel();
    return delivery;
  }

  get #gone(): number {
    return this.#delivered + this.#rejections.total + this.#buffer.dropped;
  }

  #startTimer(kind: 'due' | 'idle', ms: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#stopped) return;
    const cancel = this.#timers.start(ms, () => {
      this.#timer = undefined;
      this.#pause = 'none';
      this.#startDrain();
    });
    this.#timer = { kind, cancel };
  }

  #startDrain(): void {
    // One that has not begun yet will see all there is.
    if (this.#stopped || this.#pause !== 'none' || this.#queue.size > 0) return;
    this.#queue.add(() => this.#drain()).catch((error: unknown) => this.#failed(error));
  }

  /** Sends what is in the buffer now. What comes meanwhile waits for its turn: else a trickle makes tiny batches. */
  async #drain(): Promise<void> {
    await this.#buffer.flush();
    this.#fresh = 0;
    for (let left = this.#buffer.size; left > 0 && !this.#stopped && this.#pause === 'none';) {
      const batch = await this.#buffer.take({ events: this.#size.next, bytes: this.#batchBytes });
      if (batch === undefined) break;
      if (await this.#sent(batch)) left -= batch.events.length;
      for (const look of [...this.#waiting]) look();
    }
    if (this.#pause !== 'none') return;
    if (this.#buffer.size > 0) this.#startTimer('due', this.#intervalMs);
    else this.#startTimer('idle', IDLE_MS);
  }

  /** @returns whether the batch is done with */
  async #sent({ from, events }: Batch): Promise<boolean> {
    const { instance, send, onAnswer } = this.#options;
    const batch = { from, events };
    let answer: IngestAnswer;
    try {
      answer = await send({ instance, sentAt: Math.round(this.#clock.now()), events });
      const wrong = nonsense(answer, events.length);
      if (wrong !== undefined) throw new BackendError(`the answer makes no sense: ${wrong}`, 'garbage');
    } catch (error) {
      if (error instanceof BackendError && error.kind === 'refused') return this.#refused(batch, error);
      this.#failed(error);
      return false;
    }
    this.#failures = 0;
    this.#size.delivered(events.length);
    this.#buffer.ack(batch);
    this.#delivered += answer.accepted + answer.duplicates;
    const last = answer.rejected.at(-1);
    if (last !== undefined) this.#lastRefusal = `${last.reason}, ${last.detail}`;
    this.#rejections.add(answer.rejected.length);
    if (onAnswer !== undefined) isolated('onAnswer', () => onAnswer(answer, batch));
    return true;
  }

  #refused(batch: Batch, error: BackendError): boolean {
    this.#failures = 0;
    if (!this.#size.refused(batch.events.length)) return false;
    this.#buffer.ack(batch);
    this.#lastRefusal = `event ${batch.events[0]?.id ?? ''}, ${error.status === undefined ? '' : `status ${error.status}, `}${error.message}`;
    this.#rejections.add(1);
    return true;
  }

  #failed(error: unknown): void {
    const { reason, retryAfterMs } = error instanceof BackendError ? error : {};
    this.#failures += 1;
    this.#pause = retryAfterMs === undefined ? 'backoff' : 'retry-after';
    this.#startTimer('due', backoffMs(this.#failures, retryAfterMs, this.#random));
    if (this.#failures === SAY_AFTER_FAILURES)
      this.#outage.say(
        `Events can't be delivered for now: ${sentence(error)} ` +
          `${this.#buffer.size} ${this.#buffer.size === 1 ? 'is' : 'are'} kept and sent later; limits hold meanwhile.`,
      );
    const { onRejection } = this.#options;
    if (reason !== undefined && onRejection !== undefined) isolated('onRejection', () => onRejection(reason));
  }
}

/** What was said, with one full stop at its end. */
function sentence(error: unknown): string {
  return `${(error instanceof Error ? error.message : String(error)).replace(/[.\s]+$/, '')}.`;
}
