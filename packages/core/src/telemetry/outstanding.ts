/** The events that a buffer has handed out and that are not acknowledged yet. An overflow never drops these. */
import type { WireEvent } from '../wire/index.ts';

/** The oldest events of a buffer, to be sent together. */
export interface Batch {
  /** The first event's place in the order in which the buffer handed events out. */
  readonly from: number;
  readonly events: readonly WireEvent[];
}

/** How large a batch may be. One event is always given, however large it is. */
export interface BatchLimits {
  readonly events: number;
  /** Of JSON in UTF-8. */
  readonly bytes: number;
}

/** An event with its size as JSON. */
export interface Sized {
  readonly event: WireEvent;
  readonly bytes: number;
}

/** Handed-out events in order. */
export class Outstanding<T extends Sized> {
  #entries: T[] = [];
  #bytes = 0;
  #from = 0;

  get length(): number {
    return this.#entries.length;
  }

  /** Whether a batch of this size needs more events than are here. */
  lacks(limits: BatchLimits): boolean {
    return this.#entries.length < limits.events && this.#bytes < limits.bytes;
  }

  get entries(): readonly T[] {
    return this.#entries;
  }

  add(entry: T): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
  }

  /** The oldest, as many as the limits allow. */
  batch(limits: BatchLimits): Batch | undefined {
    const events: WireEvent[] = [];
    let bytes = 0;
    for (const entry of this.#entries) {
      bytes += entry.bytes;
      if (events.length > 0 && (events.length >= limits.events || bytes > limits.bytes)) break;
      events.push(entry.event);
    }
    return events.length === 0 ? undefined : { from: this.#from, events };
  }

  /** Removes a batch; one that is removed already changes nothing. @returns what was removed */
  ack(batch: Batch): T[] {
    const removed = this.#entries.splice(0, Math.max(0, batch.from + batch.events.length - this.#from));
    this.#from += removed.length;
    for (const { bytes } of removed) this.#bytes -= bytes;
    return removed;
  }
}
