/** Says one kind of thing, and the same no more than once a minute: what fails all the time must not fill the log. */
import type { Clock } from '../clock.ts';
import { warnToConsole, type Warn } from './drop-notice.ts';

const INTERVAL_MS = 60_000;

/** One kind of message. */
export class Notice {
  readonly #clock: Clock;
  readonly #warn: Warn;
  readonly #saidAt = new Map<unknown, number>();

  constructor(clock: Clock, warn: Warn = warnToConsole) {
    this.#clock = clock;
    this.#warn = warn;
  }

  /** Says it, unless it said something about the same matter less than a minute ago. */
  say(message: string, about?: unknown): void {
    const now = this.#clock.monotonic();
    if (now - (this.#saidAt.get(about) ?? Number.NEGATIVE_INFINITY) < INTERVAL_MS) return;
    this.#saidAt.set(about, now);
    this.#warn(message);
  }
}
