/**
 * Keeps what a budget knows to be spent equal to what the backend knows of all processes, plus what it does not know yet: a
 * restarted process goes on where it stopped, and two processes of one agent see each other's spend.
 */
import { amountIn, setForeign, type Amounts } from './budget/ledger.ts';
import { isPooled, type Account, type Pool } from './budget/pool.ts';
import type { Engine } from './engine.ts';
import type { SpendKeeper } from './spend-keeper.ts';
import { isFrom } from './telemetry/event.ts';
import type { BudgetState, IngestAnswer, WireEvent } from './wire/index.ts';

/** A budget's totals in the backend's present window. */
type Totals = Pick<BudgetState, 'budgetId' | 'windowStart' | 'spent'>;

/** Joins one guard's accounts with the backend's totals. */
export class Reconciliation {
  readonly #engine: Engine;
  readonly #origin: string;
  /** What this process has delivered of each account: the part of the backend's total that is its own. */
  readonly #delivered = new WeakMap<Account, number>();
  /** By the backend's id. */
  readonly #pools = new Map<string, Pool>();
  /** Until then, what an earlier process left behind may still be missing in the backend's totals. */
  isComplete = false;
  /** Writes the totals down for the next process. */
  keeper: SpendKeeper | undefined;

  /** @param origin of the guard's events: what it has delivered of others' is not its own */
  constructor(engine: Engine, origin: string) {
    this.#engine = engine;
    this.#origin = origin;
  }

  /** The pool of a budget that the backend has named. */
  poolOf(budgetId: string): Pool | undefined {
    return this.#pools.get(budgetId);
  }

  /** The backend's id of a pool. */
  idOf(pool: Pool): string | undefined {
    for (const [id, known] of this.#pools) if (known === pool) return id;
    return undefined;
  }

  /**
   * Takes a budget's state: its id, its limit and its totals.
   *
   * @param isBehind events were delivered while the state was asked for: it may count them or not
   * @param takesLimit whether the process's own limit of a pool gives way to the backend's
   * @returns its pool, `undefined` for one of another guard
   */
  learn(state: BudgetState, isBehind: boolean, takesLimit: (pool: Pool) => boolean): Pool | undefined {
    const { budgets } = this.#engine;
    const pool = budgets.pools[budgets.ids.indexOf(state.id)];
    if (pool === undefined) return undefined;
    this.#pools.set(state.budgetId, pool);
    if (takesLimit(pool)) this.#engine.applyLimit(pool, state.limit);
    if (!isPooled(pool)) this.#apply(pool, state, isBehind);
    return pool;
  }

  /**
   * The clock was wrong until now: what was spent in the windows that it showed was spent in the present ones.
   *
   * @param before what it showed
   * @returns whether anything was
   */
  carry(before: number): boolean {
    const { budgets, policy } = this.#engine;
    const now = policy.clock.now();
    let isCarried = false;
    for (const pool of budgets.pools) {
      if (isPooled(pool)) continue;
      for (const from of pool.accounts(before)) {
        const to = pool.account(now, from.holder);
        if (to === from || from.spent === 0) continue;
        setForeign(to, to.foreign + from.spent);
        isCarried = true;
      }
    }
    return isCarried;
  }

  /** Takes the answer to a batch: what it delivered counts in the backend's totals from now on. */
  delivered(answer: IngestAnswer, events: readonly WireEvent[]): void {
    const refused = new Set(answer.rejected.map(({ index }) => index));
    events.forEach((event, index) => {
      if (!refused.has(index) && isFrom(event, this.#origin)) this.#deliver(event);
    });
    for (const totals of answer.budgets) {
      const pool = this.#pools.get(totals.budgetId);
      if (pool !== undefined && !isPooled(pool)) this.#apply(pool, totals);
    }
  }

  #apply(pool: Pool, { windowStart, spent }: Totals, isBehind = false): void {
    const now = this.#engine.policy.clock.now();
    for (const { holder, spent: total } of spent) {
      const account = pool.account(now, holder);
      if (account.window.start !== (windowStart ?? Number.NEGATIVE_INFINITY)) continue; // its window is over, or ours is
      const delivered = this.#delivered.get(account) ?? 0;
      const own = account.spent - account.foreign;
      const isExact = this.isComplete && !isBehind;
      const foreign = Math.max(0, total - delivered);
      // What may be too little takes nothing back.
      setForeign(account, isExact ? foreign : Math.max(account.foreign, foreign));
      if (isExact) this.keeper?.know(account, total, own - delivered);
    }
  }

  #deliver(event: WireEvent): void {
    if (event.type !== 'call' && event.type !== 'charge') return;
    const amounts: Amounts =
      event.type === 'call'
        ? { usd: event.nano, tokens: event.tokens, calls: event.calls }
        : { usd: event.nano, tokens: 0, calls: 0 };
    for (const pool of this.#engine.budgets.pools) {
      const { scope, unit } = pool.budget;
      const holders = scope === 'tag' ? (event.tags ?? []) : [scope === 'user' ? (event.user ?? '') : ''];
      for (const holder of holders) {
        const account = pool.find(event.startedAt, holder);
        if (account !== undefined)
          this.#delivered.set(account, (this.#delivered.get(account) ?? 0) + amountIn(unit, amounts));
      }
    }
  }
}
