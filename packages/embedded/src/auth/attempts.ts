/** Counts attempts by key in a window that begins with the first one. Kept in memory: a restart forgives. */

/** @param windowMs milliseconds */
export interface AttemptLimit {
  readonly limit: number;
  readonly windowMs: number;
}

interface Window {
  count: number;
  readonly endsAt: number;
}

export class Attempts {
  readonly #limit: AttemptLimit;
  readonly #now: () => number;
  readonly #keys: number;
  readonly #windows = new Map<string, Window>();

  /**
   * @param now milliseconds
   * @param keys how many keys are remembered. Whoever pushes one out by filling the list has been slowed down by as
   *   many requests.
   */
  constructor(limit: AttemptLimit, now: () => number, keys = 10_000) {
    this.#limit = limit;
    this.#now = now;
    this.#keys = keys;
  }

  /**
   * Counts an attempt before it is made, so that attempts made at once cannot share one look at the count.
   *
   * @returns 0 where it may be made, else the milliseconds until the next one may
   */
  take(key: string): number {
    const now = this.#now();
    const known = this.#windows.get(key);
    if (known && known.endsAt > now) {
      if (known.count >= this.#limit.limit) return known.endsAt - now;
      known.count += 1;
      return 0;
    }
    this.#windows.delete(key);
    if (this.#windows.size >= this.#keys) this.#makeRoom(now);
    this.#windows.set(key, { count: 1, endsAt: now + this.#limit.windowMs });
    return 0;
  }

  /** Whether the next `take` would be refused. */
  spent(key: string): boolean {
    const known = this.#windows.get(key);
    return known !== undefined && known.endsAt > this.#now() && known.count >= this.#limit.limit;
  }

  /** Forgets a key's attempts. */
  clear(key: string): void {
    this.#windows.delete(key);
  }

  /** Windows are all of one length, so the map's order is the order in which they end. */
  #makeRoom(now: number): void {
    for (const [key, window] of this.#windows) {
      if (window.endsAt > now && this.#windows.size < this.#keys) return;
      this.#windows.delete(key);
    }
  }
}
