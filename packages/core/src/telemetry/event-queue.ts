/** Events in order, first in, first out, with a bound on their number and memory. Every operation is O(1) amortised. */
import type { WireEvent } from '../wire/index.ts';
import { memoryBytes } from './event-size.ts';

/** What a queue holds at most. */
export interface QueueLimits {
  /** Default 50,000. */
  readonly maxEvents?: number | undefined;
  /** An estimate. Default 64 MB. */
  readonly maxBytes?: number | undefined;
}

/** A bounded queue of events. */
export class EventQueue {
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  #events: (WireEvent | undefined)[] = [];
  #head = 0;
  #bytes = 0;

  constructor(limits: QueueLimits = {}) {
    this.#maxEvents = limits.maxEvents ?? 50_000;
    this.#maxBytes = limits.maxBytes ?? 64_000_000;
  }

  get length(): number {
    return this.#events.length - this.#head;
  }

  /** Adds an event. @returns how many of the oldest had to go for it */
  push(event: WireEvent): number {
    this.#events.push(event);
    this.#bytes += memoryBytes(event);
    let dropped = 0;
    // The newest stays even where it alone is too large.
    while (this.length > 1 && (this.length > this.#maxEvents || this.#bytes > this.#maxBytes)) {
      this.shift();
      dropped += 1;
    }
    return dropped;
  }

  /** Takes the oldest. */
  shift(): WireEvent | undefined {
    const event = this.#events[this.#head];
    if (event === undefined) return undefined;
    this.#events[this.#head] = undefined;
    this.#head += 1;
    this.#bytes -= memoryBytes(event);
    if (this.#head === this.#events.length) {
      this.#events = [];
      this.#head = 0;
      this.#bytes = 0;
    } else if (this.#head >= 1_024 && this.#head * 2 >= this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }

  /** Takes up to so many of the oldest. */
  take(count: number): WireEvent[] {
    const events: WireEvent[] = [];
    while (events.length < count) {
      const event = this.shift();
      if (event === undefined) break;
      events.push(event);
    }
    return events;
  }
  /** Puts events that were taken back in front. */
  restore(events: readonly WireEvent[]): void {
    const rest = this.take(this.length);
    this.#events = [...events, ...rest];
    for (const event of this.#events) this.#bytes += event === undefined ? 0 : memoryBytes(event);
  }
}
