/**
 * Keeps what was spent of a guard's own budgets for the next process, so that a restart does not begin at zero: while its
 * backend can't be asked, or where there is none.
 */
import { amountIn, setForeign } from './budget/ledger.ts';
import { isPooled, type Account, type Pool } from './budget/pool.ts';
import type { Engine } from './engine.ts';
import type { InFlight } from './in-flight.ts';
import type { Nano } from './money.ts';
import type { Frame } from './scope.ts';
import type { Run } from './guardrails/run.ts';
import type { Recorder } from './recorder.ts';
import type { Charge } from './settlement.ts';

/** Totals that outlive the process, by a key for each budget and holder. Integers of the budget's unit. */
export interface Journal {
  load(): ReadonlyMap<string, { readonly windowStart: number | null; readonly spent: number }>;
  add(key: string, windowStart: number | null, amount: number): void;
  /** @param own the part that the authority does not count yet */
  set(key: string, windowStart: number | null, spent: number, own: number): void;
}

/** Writes one guard's spend into a journal. */
export class SpendKeeper implements Recorder {
  readonly #engine: Engine;
  readonly #journal: Journal;
  readonly #keys = new WeakMap<Account, string>();

  constructor(engine: Engine, journal: Journal) {
    this.#engine = engine;
    this.#journal = journal;
    engine.recorders.push(this);
    // What was spent while the journal was being opened.
    for (const pool of engine.budgets.pools) for (const account of pool.allAccounts()) this.#add(account, account.own);
  }

  call({ accounts }: InFlight, { usd, tokens, calls }: Charge): void {
    for (const account of accounts) this.#add(account, amountIn(account.pool.budget.unit, { usd, tokens, calls }));
  }

  charge(nano: Nano, _name: string, _run: Run, _frame: Frame | undefined, accounts: readonly Account[]): void {
    for (const account of accounts) if (account.pool.budget.unit === 'usd') this.#add(account, nano);
  }

  /** Takes up what was spent before in the windows that are open now. */
  takeUp(): void {
    const { budgets, policy } = this.#engine;
    const now = policy.clock.now();
    const kept = this.#journal.load();
    budgets.pools.forEach((pool, index) => {
      if (isPooled(pool)) return;
      const prefix = prefixOf(policy.agentName, budgets.ids[index] ?? '', pool);
      for (const [key, { windowStart, spent }] of kept) {
        if (!key.startsWith(prefix)) continue;
        const account = pool.account(now, key.slice(prefix.length));
        // What this process has spent meanwhile is in the total already.
        const own = account.spent - account.foreign;
        if (startOf(account) === windowStart) setForeign(account, Math.max(account.foreign, spent - own));
      }
    });
  }

  /** The backend's total of an account, and what it does not count yet. */
  know(account: Account, total: number, own: number): void {
    this.#journal.set(this.#keyOf(account), startOf(account), total, own);
  }

  #add(account: Account, amount: number): void {
    if (amount > 0 && !isPooled(account.pool)) this.#journal.add(this.#keyOf(account), startOf(account), amount);
  }

  #keyOf(account: Account): string {
    let key = this.#keys.get(account);
    if (key === undefined) {
      const { budgets, policy } = this.#engine;
      key = prefixOf(policy.agentName, budgets.idOf(account.pool), account.pool) + account.holder;
      this.#keys.set(account, key);
    }
    return key;
  }
}

/** What the key of an account begins with; its holder follows. */
export function prefixOf(agent: string, id: string, { budget }: Pool): string {
  return JSON.stringify([agent, id, budget.scope, budget.unit, budget.period, budget.timeZone]);
}

/** When an account's window began, as a journal writes it. */
export function startOf({ window }: Account): number | null {
  return Number.isFinite(window.start) ? window.start : null;
}
