/**
 * How many events the next batch takes. After a batch was refused as a whole it is halved until the culprit is alone;
 * what is around the culprit is delivered on the way.
 */

/** The size of the next batch. */
export class BatchSize {
  readonly #full: number;
  /** So many of the oldest events hold a culprit; 0 where nothing is suspected. */
  #suspects = 0;

  constructor(full: number) {
    this.#full = full;
  }

  get next(): number {
    return this.#suspects === 0 ? this.#full : Math.ceil(this.#suspects / 2);
  }

  /** A batch was taken by the backend. */
  delivered(count: number): void {
    this.#suspects = Math.max(0, this.#suspects - count);
  }

  /** A batch was refused. @returns whether it was one event, the culprit, which is given up */
  refused(count: number): boolean {
    this.#suspects = count > 1 ? count : 0;
    return count === 1;
  }
}
