import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { Budget, fromUnit, toUnit, type PooledBudgetOptions } from './budget.ts';
import type { BudgetPeriod } from './window.ts';

function refusal(make: () => unknown): ConfigError {
  try {
    make();
  } catch (error) {
    if (ConfigError.isInstance(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Every factory with a limit and options of any kind, as JavaScript users can call it. */
const DOLLARS: readonly [string, (limit: never, options?: never) => Budget][] = [
  ['Budget.hourly', (limit, options) => Budget.hourly(limit, options)],
  ['Budget.daily', (limit, options) => Budget.daily(limit, options)],
  ['Budget.weekly', (limit, options) => Budget.weekly(limit, options)],
  ['Budget.monthly', (limit, options) => Budget.monthly(limit, options)],
  ['Budget.total', (limit, options) => Budget.total(limit, options)],
  ['Budget.perUser', (limit, options) => Budget.perUser(limit, 'daily', options)],
  ['Budget.perTag', (limit, options) => Budget.perTag(limit, 'daily', options)],
];
const COUNTS: typeof DOLLARS = [
  ['Budget.tokens', (limit, options) => Budget.tokens(limit, 'daily', options)],
  ['Budget.calls', (limit, options) => Budget.calls(limit, 'daily', options)],
];
const POOLED: typeof DOLLARS = [
  ['Budget.shared', (limit, options: object = {}) => Budget.shared('team', { limit, period: 'daily', ...options })],
  ['Budget.org', (limit, options: object = {}) => Budget.org({ limit, period: 'daily', ...options })],
];
const NO_NUMBERS: readonly unknown[] = [
  NaN,
  Infinity,
  -Infinity,
  0,
  -1,
  '50',
  '',
  null,
  undefined,
  true,
  50n,
  {},
  Object.create(null),
  [50],
  Symbol('x'),
  Number.MAX_VALUE,
];

describe('what a budget describes', () => {
  it.each([
    [Budget.hourly(1), 'agent', 'usd', 'hourly', 1e9],
    [Budget.daily(50), 'agent', 'usd', 'daily', 50e9],
    [Budget.weekly(0.05), 'agent', 'usd', 'weekly', 50_000_000],
    [Budget.monthly(1e-9), 'agent', 'usd', 'monthly', 1],
    [Budget.total(9_000_000), 'agent', 'usd', 'total', 9e15],
    [Budget.tokens(1_000_000, 'daily'), 'agent', 'tokens', 'daily', 1_000_000],
    [Budget.calls(1, 'hourly'), 'agent', 'calls', 'hourly', 1],
    [Budget.shared('team', { limit: 200, period: 'daily' }), 'shared', 'usd', 'daily', 200e9],
    [Budget.org({ limit: 2_000, period: 'monthly' }), 'org', 'usd', 'monthly', 2_000e9],
    [Budget.perUser(5, 'daily'), 'user', 'usd', 'daily', 5e9],
    [Budget.perTag(5, 'total'), 'tag', 'usd', 'total', 5e9],
  ])('%o', (budget, scope, unit, period, limit) => {
    expect(budget).toMatchObject({ scope, unit, period, limit, timeZone: 'UTC' });
  });

  it('takes a time zone and a name', () => {
    expect(Budget.daily(5, { timeZone: 'Asia/Kolkata', name: 'Büro 1: día' })).toMatchObject({
      timeZone: 'Asia/Kolkata',
      name: 'Büro 1: día',
    });
    // What an environment may leave out, under exactOptionalPropertyTypes too.
    const unset: { readonly timeZone: string | undefined; readonly name: string | undefined } = {
      timeZone: undefined,
      name: undefined,
    };
    expect(Budget.daily(5, unset)).toMatchObject({ timeZone: 'UTC', name: undefined });
    expect(Budget.org({ limit: 5, period: 'daily', timeZone: unset.timeZone })).toMatchObject({ timeZone: 'UTC' });
    expect(Budget.shared('team-research', { limit: 5, period: 'daily', timeZone: 'Europe/Berlin' })).toMatchObject({
      timeZone: 'Europe/Berlin',
      name: 'team-research',
    });
    expect(Budget.org({ limit: 5, period: 'daily' }).name).toBeUndefined();
  });

  it('can not be changed afterwards', () => {
    const budget = Budget.daily(50);
    expect(() => Object.assign(budget, { limit: NaN })).toThrow(TypeError);
    expect(budget.limit).toBe(50e9);
  });
});

describe('limits that are none', () => {
  for (const [name, make] of [...DOLLARS, ...POOLED]) {
    it.each(NO_NUMBERS)(`${name}: %s`, (limit) => {
      const error = refusal(() => make(limit as never));
      expect(error.path).toContain(name);
      expect(error.path).toContain('limit');
      expect(error.message).toContain(name);
      expect(error.message).toMatch(/must be .*dollars.*got /);
    });
  }

  for (const [name, make] of COUNTS) {
    it.each([...NO_NUMBERS, 1.5, 1e16, 2 ** 53])(`${name}: %s`, (limit) => {
      const error = refusal(() => make(limit as never));
      expect(error.path).toContain(name);
      expect(error.message).toMatch(/must be a whole number of (tokens|calls) from 1 to .*got /);
    });
  }
});

describe('options that are none', () => {
  for (const [name, make] of [...DOLLARS, ...COUNTS]) {
    it.each(['daily', 5, null, [], true, 5n])(`${name}: options %s`, (options) => {
      const error = refusal(() => make(5 as never, options as never));
      expect(error.path).toContain(name);
      expect(error.message).toContain(`{ timeZone: 'Europe/Berlin' }`);
    });
  }

  for (const [name, make] of [...DOLLARS, ...COUNTS, ...POOLED]) {
    it(`${name}: an unknown option is named, with those that are known`, () => {
      const error = refusal(() => make(5 as never, { timezone: 'UTC' } as never));
      expect(error.path).toBe(`${name}.timezone`);
      expect(error.message).toMatch(/unknown option "timezone".*timeZone/);
    });

    it.each(['Mars/Olympus', '', '+02:00', 5, null, {}, 5n])(`${name}: time zone %s`, (timeZone) => {
      const error = refusal(() => make(5 as never, { timeZone } as never));
      expect(error.path).toBe(`${name}.timeZone`);
      expect(error.message).toMatch(/timeZone must be an IANA name such as 'Europe\/Berlin', got /);
    });
  }

  for (const [name, make] of [...DOLLARS, ...COUNTS]) {
    it.each(['', ' x', 'x#2', 'a\nb', 'x'.repeat(101), 5, null, {}, 5n])(`${name}: name %s`, (value) => {
      const error = refusal(() => make(5 as never, { name: value } as never));
      expect(error.path).toBe(`${name}.name`);
      expect(error.message).toMatch(/name must be 1 to 100 letters.*got /);
    });
  }

  it.each(['', 'a\nb', 'x'.repeat(101), undefined, null, 5, {}, 5n])('Budget.shared: the pool named %s', (name) => {
    const error = refusal(() => Budget.shared(name as never, { limit: 5, period: 'daily' }));
    expect(error.path).toBe('Budget.shared.name');
    expect(error.message).toMatch(/name/);
  });

  it('a pooled budget has no other name: it is refused, not ignored', () => {
    const options = { limit: 5, period: 'daily', name: 'mine' } as PooledBudgetOptions;
    expect(refusal(() => Budget.shared('team', options)).path).toBe('Budget.shared.name');
    expect(refusal(() => Budget.org(options)).path).toBe('Budget.org.name');
  });

  it.each([undefined, null, 200, 'daily', []])('Budget.shared and Budget.org: options %s', (options) => {
    for (const make of [() => Budget.shared('team', options as never), () => Budget.org(options as never)]) {
      expect(refusal(make).message).toMatch(/needs a limit and a period: Budget\.(shared|org)\(/);
    }
  });

  it.each([undefined, null, 'Daily', 'day', 24, {}, 5n, 'constructor'])('the period %s', (period) => {
    const wrong = period as BudgetPeriod;
    const makers = [
      () => Budget.tokens(5, wrong),
      () => Budget.calls(5, wrong),
      () => Budget.perUser(5, wrong),
      () => Budget.perTag(5, wrong),
      () => Budget.shared('team', { limit: 5, period: wrong }),
      () => Budget.org({ limit: 5, period: wrong }),
    ];
    for (const make of makers) {
      const error = refusal(make);
      expect(error.path).toMatch(/^Budget\.\w+\.period$/);
      expect(error.message).toMatch(/the period must be one of hourly, daily, weekly, monthly, total, got /);
    }
  });

  it('undefined options are no options', () => {
    expect(Budget.daily(5, undefined).timeZone).toBe('UTC');
    expect(Budget.daily(5, { timeZone: undefined }).timeZone).toBe('UTC');
  });
});

describe('units', () => {
  it('converts there and back', () => {
    expect(fromUnit('usd', toUnit('usd', 0.1, 'x'))).toBe(0.1);
    expect(fromUnit('tokens', toUnit('tokens', 7, 'x'))).toBe(7);
    expect(fromUnit('calls', toUnit('calls', 1e15, 'x'))).toBe(1e15);
  });
});
