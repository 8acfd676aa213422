/** What is left to do for calls that are over: `flush()` and `close()` wait for it, and a process that ends does what it can. */

/** One guard's unfinished work. */
export class Unfinished {
  readonly #work = new Set<Promise<void>>();
  /** Books calls that are not charged yet. */
  readonly #unbooked = new Set<() => void>();
  #isLeaving = false;

  /** Keeps a promise to wait for. */
  track(work: Promise<void>): void {
    const done = work.finally(() => this.#work.delete(done));
    this.#work.add(done);
  }

  /** Books once the work is done, whatever became of it; at once where the process ends. */
  bookAfter(work: Promise<unknown>, book: () => void): void {
    const once = (): void => {
      if (this.#unbooked.delete(once)) book();
    };
    this.#unbooked.add(once);
    if (this.#isLeaving) once();
    else this.track(work.then(once, once));
  }

  /** Waits until nothing is left. */
  async flush(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled(this.#work);
  }

  /** The process ends: `settle` charges what is in flight, and all that is not booked yet is booked now. */
  leave(settle: () => void): void {
    this.#isLeaving = true;
    settle();
    for (const book of [...this.#unbooked]) book();
  }
}
