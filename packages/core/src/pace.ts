/**
 * How far a stream's consumer is behind its provider. Only what a consumer has seen while it kept up says what the
 * provider has written.
 */

/**
 * A stream whose consumer was further behind than this when it left was not cancelled promptly: the margin covers what a
 * provider of 2,000 tokens a second writes in that time.
 */
const PROMPT_MS = 250;

/** A chunk that took so long was not there yet when it was asked for. */
const CAUGHT_UP_MS = 2;

/** The pace of one stream's consumer, in milliseconds of a clock that never goes backwards. */
export class Pace {
  /** How often a chunk was asked for. */
  reads = 0;
  /** A chunk was asked for and has not come yet. */
  reading = false;
  #askedAt = 0;
  #deliveredAt: number;
  #behindMs = 0;

  /** @param openedAt when the provider began to answer */
  constructor(openedAt: number) {
    this.#deliveredAt = openedAt;
  }

  /** The consumer asks for the next chunk. */
  asks(now: number): void {
    this.reads += 1;
    this.reading = true;
    this.#behindMs += now - this.#deliveredAt;
    this.#askedAt = now;
  }

  /** The provider gave it. A consumer that had to wait for it has seen all that there was. */
  delivered(now: number): void {
    this.reading = false;
    if (now - this.#askedAt >= CAUGHT_UP_MS) this.#behindMs = 0;
    this.#deliveredAt = now;
  }

  /** A chunk came that nobody asked for here: a framework reports it by callback. */
  reported(now: number): void {
    this.reads += 1;
    this.#behindMs = 0;
    this.#deliveredAt = now;
  }

  /** Whether a consumer that leaves now has seen about all that the provider has written. */
  isPrompt(now: number): boolean {
    if (this.reading) return now - this.#askedAt >= CAUGHT_UP_MS || this.#behindMs <= PROMPT_MS;
    return this.#behindMs + now - this.#deliveredAt <= PROMPT_MS;
  }
}
