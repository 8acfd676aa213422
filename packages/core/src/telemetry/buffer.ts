/**
 * Where events wait until the backend has them. The port, and the buffer that keeps them in memory; the one that keeps
 * them on disk is in node/disk-buffer.ts. Both pass testing/buffer-contract.ts.
 */
import { systemClock, type Clock } from '../clock.ts';
import type { WireEvent } from '../wire/index.ts';
import { DropNotice, warnToConsole, type Warn } from './drop-notice.ts';
import { EventQueue, type QueueLimits } from './event-queue.ts';
import { jsonBytes } from './event-size.ts';
import { Outstanding, type Batch, type BatchLimits, type Sized } from './outstanding.ts';

export type { Batch, BatchLimits } from './outstanding.ts';

/**
 * A bounded queue between the calls and the reporter. When it is full the oldest events go, are counted, and the log
 * says so; the batch under way is never dropped.
 */
export interface EventBuffer {
  /** Keeps an event: the object itself, which must not change afterwards. Never throws, never waits. */
  append(event: WireEvent): void;
  /**
   * The oldest events. They stay until they are acknowledged: taking again gives the same ones, or a shorter or longer
   * run of them where the limits differ. One reader at a time.
   */
  take(limits: BatchLimits): Promise<Batch | undefined>;
  /** Removes what was delivered. Twice is as good as once. */
  ack(batch: Batch): void;
  /** Events that wait, those taken and not acknowledged included. */
  readonly size: number;
  /** Events lost since the buffer was made: pushed out when it was full, or found damaged. */
  readonly dropped: number;
  /** Waits until all that was appended is as safe as this buffer can make it. Never rejects. */
  flush(): Promise<void>;
  /** Flushes and gives back files and timers; what is appended later counts as dropped. Never rejects. */
  close(): Promise<void>;
}

/** What every buffer is given. */
export interface BufferOptions extends QueueLimits {
  readonly clock?: Clock | undefined;
  /** Where a loss is told. Default `console.warn`. */
  readonly warn?: Warn | undefined;
}

/** Keeps events in memory: they end with the process. */
export class MemoryBuffer implements EventBuffer {
  readonly #queue: EventQueue;
  readonly #outstanding = new Outstanding<Sized>();
  readonly #notice: DropNotice;
  #closed = false;

  constructor(options: BufferOptions = {}) {
    this.#queue = new EventQueue(options);
    this.#notice = dropNotice(options);
  }

  get size(): number {
    return this.#queue.length + this.#outstanding.length;
  }

  get dropped(): number {
    return this.#notice.total;
  }

  append(event: WireEvent): void {
    const dropped = this.#closed ? 1 : this.#queue.push(event);
    if (dropped > 0) this.#notice.add(dropped);
  }

  take(limits: BatchLimits): Promise<Batch | undefined> {
    while (this.#outstanding.lacks(limits)) {
      const event = this.#queue.shift();
      if (event === undefined) break;
      this.#outstanding.add({ event, bytes: jsonBytes(event) });
    }
    return Promise.resolve(this.#outstanding.batch(limits));
  }

  ack(batch: Batch): void {
    this.#outstanding.ack(batch);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#notice.end();
    return Promise.resolve();
  }
}

/** The notice that a full buffer gives. */
export function dropNotice({ clock = systemClock, warn = warnToConsole }: BufferOptions): DropNotice {
  return new DropNotice(
    (total, more) =>
      `The event buffer lost ${more} event${more === 1 ? '' : 's'} (${total} in all): it is full, damaged or closed. ` +
      'Limits still hold; the backend will show less than was spent. Check that the backend is reachable.',
    clock,
    warn,
  );
}
