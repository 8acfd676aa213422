/** Timers that stand still until a test lets time pass. */
import { type Timers } from '../timers.ts';

interface Alarm {
  readonly at: number;
  readonly call: () => void;
}

export class FakeTimers implements Timers {
  #now: number;
  readonly #alarms = new Set<Alarm>();

  constructor(now = Date.now()) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, call: () => void): () => void {
    // As Node's: no alarm is further away than 24.8 days.
    const alarm = { at: this.#now + Math.min(Math.max(ms, 0), 2 ** 31 - 1), call };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** Alarms that are set. */
  get pending(): number {
    return this.#alarms.size;
  }

  /** Lets time pass, and rings what is due in its order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#alarms].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (!next) break;
      this.#alarms.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.call();
    }
    this.#now = end;
  }
}
