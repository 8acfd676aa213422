/**
 * Tells the backend the limits that `guard.setLimit()` has set. Until it has one, the limit holds in this process and no
 * answer of the backend takes it back: a lowered limit must not rise again because the backend was away for a moment. A
 * limit that an operator has set is none that code changes.
 */
import { fromUnit } from './budget/budget.ts';
import type { Pool } from './budget/pool.ts';
import type { Clock } from './clock.ts';
import { Notice } from './telemetry/notice.ts';
import { BackendError } from './wire/backend-error.ts';
import type { LimitHolder } from './wire/index.ts';

/** What the changes are told by. */
export interface LimitTeller {
  readonly clock: Clock;
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
  /** Those whose limit an operator has set, as last heard. */
  readonly #managed = new Set<Pool>();
  readonly #notice: Notice;
  #last: Promise<void> = Promise.resolve();

  constructor(teller: LimitTeller) {
    this.#teller = teller;
    this.#notice = new Notice(teller.clock);
  }

  /**
   * Takes note of the backend's limit of a pool and of who may change it. What an operator has set goes before what code has.
   *
   * @returns whether the backend's limit is to be taken
   */
  learn(pool: Pool, limit: number, managedBy: LimitHolder): boolean {
    if (managedBy === 'code') {
      this.#managed.delete(pool);
      return !this.#untold.has(pool);
    }
    this.#managed.add(pool);
    const value = this.#untold.get(pool);
    if (value !== undefined) this.#refused(pool, value, limit);
    this.#untold.delete(pool);
    return true;
  }

  /** Whether code may change a pool's limit, as far as is known. Where it may not, the log says so. */
  mayChange(pool: Pool, value: number): boolean {
    if (!this.#managed.has(pool)) return true;
    this.#refused(pool, value, pool.limit);
    return false;
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
      this.#notice.say(`setLimit: ${what}: ${(error as Error).message}`, pool);
      if (!isRefused) return;
      this.#told(pool, value);
      this.#teller.onRefused();
    }
  }

  #told(pool: Pool, value: number): void {
    if (this.#untold.get(pool) === value) this.#untold.delete(pool);
  }

  #refused(pool: Pool, value: number, limit: number): void {
    const { unit, name, period } = pool.budget;
    const shown = (amount: number): string => (unit === 'usd' ? `$${amount}` : `${amount} ${unit}`);
    this.#notice.say(
      `setLimit: an operator has set the limit of the budget ${name ?? period}: ${shown(fromUnit(unit, limit))} holds, and ${shown(value)} was not taken. ` +
        'Change it with npx agentkavach budget set, or hand it back to the code with npx agentkavach budget release.',
      pool,
    );
  }
}
