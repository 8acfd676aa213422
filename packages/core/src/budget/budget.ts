/**
 * What the user writes: `Budget.daily(50)`. A Budget is a checked, immutable description; the money is counted in a
 * {@link Pool}.
 */
import { ConfigError, type BudgetScope } from '../errors.ts';
import { nanoToUsd, usdToNano } from '../money.ts';
import { show } from '../show.ts';
import { BUDGET_PERIODS, isTimeZone, type BudgetPeriod } from './window.ts';

/** What a budget counts. */
export type BudgetUnit = 'usd' | 'tokens' | 'calls';

/** Options of every budget. */
export interface BudgetOptions {
  /** An IANA time zone whose midnight starts the windows, for example `Europe/Berlin`. Default `UTC`. */
  readonly timeZone?: string | undefined;
  /** The budget's id in `status()` and `setLimit()`. Default: its period. */
  readonly name?: string | undefined;
}

/** The limit and window of a pooled budget. */
export interface PooledBudgetOptions extends Omit<BudgetOptions, 'name'> {
  /** The limit in dollars. */
  readonly limit: number;
  /** The window. */
  readonly period: BudgetPeriod;
}

interface BudgetFields {
  readonly scope: BudgetScope;
  readonly unit: BudgetUnit;
  readonly period: BudgetPeriod;
  readonly limit: number;
  readonly timeZone: string;
  readonly name: string | undefined;
}

// A registered symbol: the ESM and the CommonJS build of this package know each other's budgets by it.
const MARKER = Symbol.for('agentkavach.budget');
const MAX_COUNT = 1e15;
const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._:@/-]{0,99}$/u;

/**
 * A budget: how much of what in which window.
 *
 * @example
 * new AgentKavach({ budget: [Budget.daily(50), Budget.total(500), Budget.tokens(2_000_000, 'hourly')] })
 */
export class Budget {
  readonly [MARKER] = true;
  /** Whose spend is counted: the agent's, each user's, each tag's, or a pool's. */
  readonly scope: BudgetScope;
  /** What is counted. */
  readonly unit: BudgetUnit;
  /** The window. */
  readonly period: BudgetPeriod;
  /** The limit as an integer: nano-dollars, tokens or calls. */
  readonly limit: number;
  /** The IANA time zone of the windows. */
  readonly timeZone: string;
  /** The id that the user chose; for a shared budget, the pool's name. */
  readonly name: string | undefined;

  private constructor(fields: BudgetFields) {
    if ((fields as BudgetFields | undefined)?.scope === undefined) {
      throw new ConfigError("A budget is made by Budget.daily(50), Budget.tokens(1_000_000, 'daily') and the like.", {
        path: 'Budget',
      });
    }
    this.scope = fields.scope;
    this.unit = fields.unit;
    this.period = fields.period;
    this.limit = fields.limit;
    this.timeZone = fields.timeZone;
    this.name = fields.name;
    Object.freeze(this);
  }

  /** Dollars per hour. @throws ConfigError for a limit that is not a positive number of dollars */
  static hourly(usd: number, options?: BudgetOptions): Budget {
    return money('agent', usd, 'hourly', options, 'Budget.hourly');
  }
  /** Dollars per day. @example Budget.daily(50, { timeZone: 'America/New_York' }) */
  static daily(usd: number, options?: BudgetOptions): Budget {
    return money('agent', usd, 'daily', options, 'Budget.daily');
  }
  /** Dollars per week, from Monday. */
  static weekly(usd: number, options?: BudgetOptions): Budget {
    return money('agent', usd, 'weekly', options, 'Budget.weekly');
  }
  /** Dollars per calendar month. */
  static monthly(usd: number, options?: BudgetOptions): Budget {
    return money('agent', usd, 'monthly', options, 'Budget.monthly');
  }
  /** Dollars for as long as the guard lives. */
  static total(usd: number, options?: BudgetOptions): Budget {
    return money('agent', usd, 'total', options, 'Budget.total');
  }
  /** Input and output tokens together per window. @example Budget.tokens(1_000_000, 'daily') */
  static tokens(tokens: number, period: BudgetPeriod, options?: BudgetOptions): Budget {
    return counted('tokens', tokens, period, options, 'Budget.tokens');
  }
  /** Requests to a provider per window; a retry is a call too. @example Budget.calls(500, 'hourly') */
  static calls(calls: number, period: BudgetPeriod, options?: BudgetOptions): Budget {
    return counted('calls', calls, period, options, 'Budget.calls');
  }
  /** Dollars that all agents which name the same pool spend together. @example Budget.shared('team-research', { limit: 200, period: 'daily' }) */
  static shared(name: string, options: PooledBudgetOptions): Budget {
    return pooled('shared', name, options, 'Budget.shared');
  }
  /** Dollars that all agents of the organisation spend together. @example Budget.org({ limit: 2000, period: 'monthly' }) */
  static org(options: PooledBudgetOptions): Budget {
    return pooled('org', undefined, options, 'Budget.org');
  }
  /** Dollars per window for each user of `guard.run({ user })`; calls without a user share one account. */
  static perUser(usd: number, period: BudgetPeriod, options?: BudgetOptions): Budget {
    return money('user', usd, period, options, 'Budget.perUser');
  }
  /** Dollars per window for each tag of `guard.run({ tags })`; a call counts in all of its tags, and a call without tags in none: set a budget beside it. */
  static perTag(usd: number, period: BudgetPeriod, options?: BudgetOptions): Budget {
    return money('tag', usd, period, options, 'Budget.perTag');
  }

  /** Whether a value is a budget, also one from another copy of this package. */
  static isInstance(value: unknown): value is Budget {
    return typeof value === 'object' && value !== null && Reflect.get(value, MARKER) === true;
  }

  /** Used by the factories below; users call the static methods. */
  static checked(
    fields: Omit<BudgetFields, 'timeZone' | 'name'>,
    options: BudgetOptions | undefined,
    path: string,
  ): Budget {
    checkPeriod(fields.period, path);
    return new Budget({ ...fields, ...checkOptions(options, path) });
  }
}

/** An amount of a budget's unit as the user writes it: dollars, tokens or calls. */
export function fromUnit(unit: BudgetUnit, amount: number): number {
  return unit === 'usd' ? nanoToUsd(amount) : amount;
}

/**
 * A limit in the user's terms as the integer that is counted.
 *
 * @throws ConfigError naming `path` when the limit is not positive, not finite, too large, or a fraction of a token or call
 */
export function toUnit(unit: BudgetUnit, limit: number, path: string): number {
  if (unit === 'usd') return usdToNano(limit, path);
  if (!Number.isSafeInteger(limit) || limit <= 0 || limit > MAX_COUNT) {
    throw new ConfigError(`${path} must be a whole number of ${unit} from 1 to ${MAX_COUNT}, got ${show(limit)}.`, {
      path,
    });
  }
  return limit;
}

function money(
  scope: BudgetScope,
  usd: number,
  period: BudgetPeriod,
  options: BudgetOptions | undefined,
  path: string,
): Budget {
  return Budget.checked({ scope, unit: 'usd', period, limit: usdToNano(usd, `${path}: the limit`) }, options, path);
}

function counted(
  unit: 'tokens' | 'calls',
  n: number,
  period: BudgetPeriod,
  options: BudgetOptions | undefined,
  path: string,
): Budget {
  return Budget.checked({ scope: 'agent', unit, period, limit: toUnit(unit, n, `${path}: the limit`) }, options, path);
}

function pooled(scope: 'shared' | 'org', name: string | undefined, options: PooledBudgetOptions, path: string): Budget {
  const example =
    scope === 'shared'
      ? `Budget.shared('team', { limit: 200, period: 'daily' })`
      : `Budget.org({ limit: 2000, period: 'monthly' })`;
  if (scope === 'shared' && typeof name !== 'string') {
    throw new ConfigError(`${path} needs the pool's name first: ${example}, got ${show(name)}.`, {
      path: `${path}.name`,
    });
  }
  if (!isRecord(options)) {
    throw new ConfigError(`${path} needs a limit and a period: ${example}, got ${show(options)}.`, { path });
  }
  checkKeys(options, ['limit', 'period', 'timeZone'], path);
  const { limit, period, ...rest } = options;
  const named: BudgetOptions = name === undefined ? rest : { ...rest, name };
  return Budget.checked({ scope, unit: 'usd', period, limit: usdToNano(limit, `${path}: limit`) }, named, path);
}

function checkPeriod(period: unknown, path: string): void {
  if (BUDGET_PERIODS.some((known) => known === period)) return;
  throw new ConfigError(`${path}: the period must be one of ${BUDGET_PERIODS.join(', ')}, got ${show(period)}.`, {
    path: `${path}.period`,
  });
}

function checkKeys(options: object, known: readonly string[], path: string): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw new ConfigError(`${path}: unknown option ${JSON.stringify(key)}. Known options: ${known.join(', ')}.`, {
      path: `${path}.${key}`,
    });
  }
}

function checkOptions(
  options: BudgetOptions | undefined,
  path: string,
): { timeZone: string; name: string | undefined } {
  if (options === undefined) return { timeZone: 'UTC', name: undefined };
  if (!isRecord(options)) {
    throw new ConfigError(
      `${path}: the options must be an object such as { timeZone: 'Europe/Berlin' }, got ${show(options)}.`,
      { path },
    );
  }
  checkKeys(options, ['timeZone', 'name'], path);
  const { timeZone = 'UTC', name } = options;
  if (typeof timeZone !== 'string' || !isTimeZone(timeZone)) {
    throw new ConfigError(`${path}: timeZone must be an IANA name such as 'Europe/Berlin', got ${show(timeZone)}.`, {
      path: `${path}.timeZone`,
    });
  }
  if (name !== undefined && (typeof name !== 'string' || !NAME.test(name))) {
    throw new ConfigError(`${path}: name must be 1 to 100 letters, digits, spaces or . _ : @ / -, got ${show(name)}.`, {
      path: `${path}.name`,
    });
  }
  return { timeZone, name };
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
