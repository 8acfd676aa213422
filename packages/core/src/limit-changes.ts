/**
 * Tells the backend the limits that `guard.setLimit()` has set. Until it has one, the limit holds in this process and no
 * answer of the backend takes it back: a lowered limit must not rise again because the backend was away for a moment.
 */
import type { Pool } from './budget/pool.ts';
import { BackendError } from './wire/backend-error.ts';

/** What the changes are told by. */
export interface LimitTeller {
  /** The backend's id of a pool; `undefined` until it is connected. */
  readonly idOf: (pool: Pool) => string | undefined;
  /** @throws BackendError */
  readonly tell: (budgetId: string, value: number) => Promise<void>;
  /** The backend keeps another limit: it is read again. */
  readonly onRefused: () => void;
}

/** The changes that the backend does not have yet. */
export class LimitChanges {
  readonly #teller: LimitTeller;
  /** In the budget's own unit. */
  readonly #untold = new Map<Pool, number>();
  #last: Promise<void> = Promise.resolve();

  constructor(teller: LimitTeller) {
    this.#teller = teller;
  }

  /** Whether the process's own limit of a pool is newer than the backend's. */
  isUntold(pool: Pool): boolean {
    return this.#untold.has(pool);
  }

  /** Takes note of a change, and tells it if it can. Never rejects. */
  set(pool: Pool, value: number): Promise<void> {
    this.#untold.set(pool, value);
    return this.tellAll();
  }

  /** Tells what is left to tell, one by one, so that the last one wins. Never rejects. */
  tellAll(): Promise<void> {
    this.#last = this.#last.then(async () => {
      for (const [pool, value] of [...this.#untold]) await this.#tell(pool, value);
    });
    return this.#last;
  }

  async #tell(pool: Pool, value: number): Promise<void> {
    const id = this.#teller.idOf(pool);
    if (id === undefined) return;
    try {
      await this.#teller.tell(id, value);
      this.#told(pool, value);
    } catch (error) {
      const isRefused = error instanceof BackendError && error.kind === 'refused';
      const what = isRefused
        ? 'the backend did not take the new limit, and its own holds'
        : 'the new limit holds in this process; the backend does not have it yet';
      console.warn(`[agentkavach] setLimit: ${what}: ${(error as Error).message}`);
      if (!isRefused) return;
      this.#told(pool, value);
      this.#teller.onRefused();
    }
  }

  #told(pool: Pool, value: number): void {
    if (this.#untold.get(pool) === value) this.#untold.delete(pool);
  }
}
