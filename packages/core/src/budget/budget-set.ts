/** The budgets of one guard: their pools, their ids, and the accounts that a call is charged to. */
import { ConfigError } from '../errors.ts';
import { show } from '../show.ts';
import { toUnit, type Budget } from './budget.ts';
import { poolOf, type Account, type Pool, type PoolListener } from './pool.ts';

/** Whose call it is, as far as budgets care. */
export interface Holders {
  readonly user: string | undefined;
  readonly tags: readonly string[];
}

/** The budgets of one guard, in the order given. */
export class BudgetSet {
  readonly pools: readonly Pool[];
  /** The ids in `status()` and `setLimit()`, in the same order. */
  readonly ids: readonly string[];
  readonly #listener: PoolListener;
  readonly #isPerHolder: boolean;
  #accounts: readonly Account[] = [];
  #from = Number.POSITIVE_INFINITY;
  #until = Number.NEGATIVE_INFINITY;

  /** @throws ConfigError when two budgets have the same name, or are the same pool */
  constructor(budgets: readonly Budget[], listener: PoolListener, thresholds: readonly number[], realm = '') {
    this.ids = idsOf(budgets);
    this.pools = budgets.map((budget) => poolOf(budget, realm));
    const twice = this.pools.find((pool, index) => this.pools.indexOf(pool) !== index);
    if (twice !== undefined) throw listedTwice(twice.budget); // one call would be charged to it twice
    this.#listener = listener;
    this.#isPerHolder = budgets.some(({ scope }) => scope === 'user' || scope === 'tag');
    for (const pool of this.pools) {
      pool.listeners.add(listener);
      pool.addThresholds(thresholds);
    }
  }

  /** The accounts that a call at `now` is charged to. While no window ends this is a look at two numbers. */
  accountsAt(now: number, holders: Holders | undefined): readonly Account[] {
    if (!this.#isPerHolder) return now >= this.#from && now < this.#until ? this.#accounts : this.#roll(now);
    const accounts: Account[] = [];
    for (const pool of this.pools) {
      const { scope } = pool.budget;
      if (scope === 'tag') for (const tag of holders?.tags ?? []) accounts.push(pool.account(now, tag));
      else accounts.push(pool.account(now, scope === 'user' ? (holders?.user ?? '') : ''));
    }
    return accounts;
  }

  /** The id of a pool's budget. */
  idOf(pool: Pool): string {
    return this.ids[this.pools.indexOf(pool)] ?? pool.budget.period;
  }

  /**
   * The budget of an id and a limit for it as an integer of its unit.
   *
   * @throws ConfigError for an unknown or ambiguous id, or a limit that is none
   */
  limitOf(id: string, value: number): { pool: Pool; limit: number } {
    const pool = this.#find(id);
    return { pool, limit: toUnit(pool.budget.unit, value, `setLimit('${id}'): the limit`) };
  }

  /** Stops listening to pools that outlive this guard. */
  close(): void {
    for (const pool of this.pools) pool.listeners.delete(this.#listener);
  }

  #roll(now: number): readonly Account[] {
    this.#accounts = this.pools.map((pool) => pool.account(now, ''));
    this.#from = Math.max(...this.#accounts.map(({ window }) => window.start));
    this.#until = Math.min(...this.#accounts.map(({ window }) => window.end));
    return this.#accounts;
  }

  #find(id: string): Pool {
    const exact = this.pools[this.ids.indexOf(id)];
    if (exact !== undefined) return exact;
    const [pool, ...others] = this.pools.filter(({ budget }) => budget.period === id);
    if (pool !== undefined && others.length === 0) return pool;
    const what = pool === undefined ? `There is no budget ${show(id)}` : `${show(id)} names more than one budget`;
    throw new ConfigError(`${what}. This guard's budgets: ${this.ids.join(', ')}.`, { path: 'id' });
  }
}

function listedTwice({ scope, name, period }: Budget): ConfigError {
  const whose = name === undefined ? '' : ` ${JSON.stringify(name)}`;
  return new ConfigError(`The ${period} Budget.${scope}${whose} is listed twice. List it once.`, { path: 'budget' });
}

function idsOf(budgets: readonly Budget[]): string[] {
  const ids: string[] = [];
  for (const { name, period, scope } of budgets) {
    const wanted = name ?? period;
    if (name !== undefined && scope !== 'shared' && ids.includes(name)) {
      throw new ConfigError(`Two budgets are named ${JSON.stringify(name)}. Give each its own name.`, {
        path: 'budget',
      });
    }
    let id = wanted;
    for (let n = 2; ids.includes(id); n++) id = `${wanted}#${n}`;
    ids.push(id);
  }
  return ids;
}
