/**
 * Opens a guard's gate once its backend has said what was spent before, or in time where it does not: a slow backend must
 * refuse no call, and a dead one must not hold the app.
 */
import { systemAfter, type After } from './backend/after.ts';
import type { Engine } from './engine.ts';

/** How long the first calls wait, for the backend's answer and for what an earlier process left behind to be counted. */
export const FIRST_ANSWER_MS = 3_000;

/**
 * The bound is counted in looks, not read from a clock: a process that is busy loading its modules for seconds has not had
 * its turn to hear an answer that may be there.
 */
const LOOK_MS = 100;

/** The first moments of one guard's connection. */
export class Opening {
  readonly #engine: Engine;
  readonly #onLate: () => void;
  readonly #after: After;
  #cancel: () => void = () => undefined;
  #isOpen = false;

  /** @param onLate runs before the gate opens because the time is over */
  constructor(engine: Engine, onLate: () => void, after: After = systemAfter) {
    this.#engine = engine;
    this.#onLate = onLate;
    this.#after = after;
    this.#look(FIRST_ANSWER_MS / LOOK_MS);
  }

  /** Whether calls go in. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Lets calls in. */
  open(): void {
    this.#cancel();
    this.#isOpen = true;
    this.#engine.open();
  }

  #look(left: number): void {
    this.#cancel = this.#after(LOOK_MS, () => {
      if (left > 1) return this.#look(left - 1);
      this.#onLate();
      this.open();
    });
  }
}
