/**
 * Keeps what one guard has spent of shared and org budgets for the next process, where no backend counts them: the option
 * `persist`. A pool's guards may each have a file of their own, so each keeps its own part alone.
 */
import { amountIn, setForeign } from './budget/ledger.ts';
import { isPooled, type Account } from './budget/pool.ts';
import type { Engine } from './engine.ts';
import type { Frame } from './scope.ts';
import type { Run } from './guardrails/run.ts';
import type { InFlight } from './in-flight.ts';
import type { Nano } from './money.ts';
import type { Recorder } from './recorder.ts';
import type { Charge } from './settlement.ts';
import { prefixOf, startOf, type Journal } from './spend-keeper.ts';

/** What a pool's account counts already, by the file and the key in it: pools outlive the guards that name them. */
const counted = new WeakMap<Account, Map<string, number>>();

/** Writes one guard's part of its pools into a journal. */
export class PoolKeeper implements Recorder {
  readonly #engine: Engine;
  #journal: Journal | undefined;
  #path = '';
  /** What came before the journal was open. */
  #early: [account: Account, amount: number][] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.recorders.push(this);
  }

  /**
   * Takes up what was spent before in the windows that are open now, and writes from now on.
   *
   * @param path the journal's file
   */
  begin(journal: Journal, path: string): void {
    const { budgets, policy } = this.#engine;
    const now = policy.clock.now();
    const kept = journal.load();
    this.#path = path;
    for (const pool of budgets.pools) {
      if (!isPooled(pool)) continue;
      const account = pool.account(now, '');
      const key = this.#keyOf(account);
      const entry = kept.get(key);
      if (entry === undefined || entry.windowStart !== startOf(account)) continue;
      const missing = entry.spent - (counted.get(account)?.get(this.#path + key) ?? 0);
      if (missing <= 0) continue;
      this.#count(account, key, missing);
      setForeign(account, account.foreign + missing);
    }
    this.#journal = journal;
    for (const [account, amount] of this.#early) this.#add(account, amount);
    this.#early = [];
  }

  call({ accounts }: InFlight, { usd, tokens, calls }: Charge): void {
    for (const account of accounts) this.#add(account, amountIn(account.pool.budget.unit, { usd, tokens, calls }));
  }

  charge(nano: Nano, _name: string, _run: Run, _frame: Frame | undefined, accounts: readonly Account[]): void {
    for (const account of accounts) this.#add(account, nano); // pools are in dollars
  }

  #add(account: Account, amount: number): void {
    if (amount <= 0 || !isPooled(account.pool)) return;
    if (this.#journal === undefined) {
      this.#early.push([account, amount]);
      return;
    }
    const key = this.#keyOf(account);
    this.#journal.add(key, startOf(account), amount);
    this.#count(account, key, amount);
  }

  #count(account: Account, key: string, amount: number): void {
    const parts = counted.get(account) ?? new Map<string, number>();
    counted.set(account, parts);
    parts.set(this.#path + key, (parts.get(this.#path + key) ?? 0) + amount);
  }

  #keyOf({ pool }: Account): string {
    const { budgets, policy } = this.#engine;
    return prefixOf(policy.agentName, budgets.idOf(pool), pool);
  }
}
