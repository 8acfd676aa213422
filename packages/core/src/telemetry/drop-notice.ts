/** Says that events were lost: with the figures, and no more than once a minute. */
import type { Clock } from '../clock.ts';

const INTERVAL_MS = 60_000;

/** Writes one line to the log. */
export type Warn = (message: string) => void;

/** The log of the process. */
export const warnToConsole: Warn = (message) => console.warn(`[agentkavach] ${message}`);

/** Counts losses of one kind and reports them. */
export class DropNotice {
  readonly #say: (total: number, more: number) => string;
  readonly #clock: Clock;
  readonly #warn: Warn;
  #total = 0;
  #said = 0;
  #saidAt = -Infinity;

  /** @param say makes the sentence from the number so far and the number since the last one */
  constructor(say: (total: number, more: number) => string, clock: Clock, warn: Warn) {
    this.#say = say;
    this.#clock = clock;
    this.#warn = warn;
  }

  get total(): number {
    return this.#total;
  }

  add(count: number): void {
    if (count <= 0) return;
    this.#total += count;
    if (this.#clock.monotonic() - this.#saidAt >= INTERVAL_MS) this.end();
  }

  /** Says now what is not said yet: nothing more may come. */
  end(): void {
    if (this.#said === this.#total) return;
    this.#saidAt = this.#clock.monotonic();
    const more = this.#total - this.#said;
    this.#said = this.#total;
    this.#warn(this.#say(this.#total, more));
  }
}
