/** Spend over the last minute, in one-second buckets: constant memory, whatever the rate of calls. */
const SECONDS = 60;

/** A sliding sum over the last 60 seconds, exact to one second. */
export class MinuteSum {
  readonly #buckets = new Float64Array(SECONDS);
  #second = 0;
  #sum = 0;

  /** Adds an amount that was spent at `monotonic` milliseconds. */
  add(amount: number, monotonic: number): void {
    this.#advance(monotonic);
    const index = this.#second % SECONDS;
    this.#buckets[index] = (this.#buckets[index] ?? 0) + amount;
    this.#sum += amount;
  }

  /** The sum of the last 60 seconds. */
  at(monotonic: number): number {
    this.#advance(monotonic);
    return this.#sum;
  }

  #advance(monotonic: number): void {
    const second = Math.max(this.#second, Math.floor(monotonic / 1000));
    const steps = Math.min(second - this.#second, SECONDS);
    for (let i = 1; i <= steps; i++) {
      const index = (this.#second + i) % SECONDS;
      this.#sum -= this.#buckets[index] ?? 0;
      this.#buckets[index] = 0;
    }
    // After a pause longer than the window, the buckets that were not visited are the ones cleared above: all of them.
    this.#second = second;
  }
}
