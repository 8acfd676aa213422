import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { Budget } from './budget.ts';
import { BudgetSet } from './budget-set.ts';
import { charge, Reservation } from './ledger.ts';
import { Pool, poolOf, type Account } from './pool.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 0, 5, 12);

function refusal(make: () => unknown): ConfigError {
  try {
    make();
  } catch (error) {
    if (ConfigError.isInstance(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function setOf(...budgets: Budget[]): BudgetSet {
  return new BudgetSet(budgets, { onThreshold: () => undefined, onCorrection: () => undefined }, []);
}

let names = 0;
/** Pooled budgets live as long as the process, so each test takes a pool of its own. */
const poolName = (): string => `pool-test-${(names += 1)}`;

describe('the account of a moment', () => {
  it('is one per window, also after the clock went ahead and back', () => {
    const pool = new Pool(Budget.daily(1));
    const today = pool.account(NOW, '');
    charge([today], 500);
    expect(pool.account(NOW + HOUR, '')).toBe(today);
    for (let days = 1; days <= 4; days++) {
      const later = pool.account(NOW + days * DAY, '');
      expect(later).not.toBe(today);
      expect(later.spent).toBe(0);
    }
    expect(pool.account(NOW, '')).toBe(today);
    expect(pool.account(NOW, '').spent).toBe(500);
  });

  it('is kept for as long as a call is in flight in it', () => {
    const pool = new Pool(Budget.hourly(1));
    const first = pool.account(NOW, '');
    const reservation = new Reservation([first], 700, 0, 1);
    for (let hours = 1; hours <= 50; hours++) pool.account(NOW + hours * HOUR, '');
    expect(pool.account(NOW, '')).toBe(first);
    reservation.settle(600, 0, 1);
    expect([first.spent, first.reserved]).toEqual([600, 0]);
    expect(pool.account(NOW + 50 * HOUR, '').spent).toBe(0);
  });

  it('is another for each user, and one for calls without a user', () => {
    const set = setOf(Budget.perUser(1, 'daily'));
    const of = (user: string | undefined): Account => set.accountsAt(NOW, { user, tags: [] })[0]!;
    charge([of('u1')], 400);
    expect(of('u1').spent).toBe(400);
    expect(of('u2').spent).toBe(0);
    expect(of(undefined)).toBe(set.accountsAt(NOW, undefined)[0]);
    expect(of(undefined)).not.toBe(of('u1'));
  });

  it('is one for each tag, and none for a call without tags', () => {
    const set = setOf(Budget.perTag(1, 'daily'), Budget.daily(5));
    expect(set.accountsAt(NOW, { user: undefined, tags: ['a', 'b'] }).map(({ holder }) => holder)).toEqual([
      'a',
      'b',
      '',
    ]);
    expect(set.accountsAt(NOW, { user: 'u1', tags: [] }).map(({ pool }) => pool.budget.scope)).toEqual(['agent']);
  });

  it('is found by a guard at any moment, whatever the clock did before', () => {
    const moments = [NOW, NOW + HOUR, NOW + DAY, NOW + 40 * DAY];
    fc.assert(
      fc.property(fc.array(fc.nat(moments.length - 1), { minLength: 2, maxLength: 20 }), (jumps) => {
        const set = setOf(Budget.hourly(1), Budget.daily(1), Budget.weekly(1), Budget.monthly(1), Budget.total(1));
        const spent = new Map<string, number>();
        for (const jump of jumps) {
          const now = moments[jump]!;
          const accounts = set.accountsAt(now, undefined);
          expect(accounts.every(({ window }) => window.start <= now && now < window.end)).toBe(true);
          charge(accounts, 1);
          for (const { pool, window, spent: real } of accounts) {
            const key = `${pool.budget.period} ${window.start}`;
            spent.set(key, (spent.get(key) ?? 0) + 1);
            expect(real).toBe(spent.get(key));
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('users that come and go', () => {
  const countOf = (pool: Pool): number => [...pool.allAccounts()].length;

  it('are forgotten when their windows are long over', () => {
    const pool = new Pool(Budget.perUser(1, 'daily'));
    for (let day = 0; day < 30; day++) for (let n = 0; n < 100; n++) pool.account(NOW + day * DAY, `u${day}-${n}`);
    expect(countOf(pool)).toBeLessThanOrEqual(600);
  });

  it('are kept while a call of theirs is in flight', () => {
    const pool = new Pool(Budget.perUser(1, 'daily'));
    const slow = pool.account(NOW, 'slow');
    const reservation = new Reservation([slow], 10, 0, 1);
    for (let day = 1; day < 30; day++) pool.account(NOW + day * DAY, `u${day}`);
    expect([...pool.allAccounts()]).toContain(slow);
    reservation.settle(0, 0, 0);
    for (let day = 30; day < 40; day++) pool.account(NOW + day * DAY, `u${day}`);
    expect([...pool.allAccounts()]).not.toContain(slow);
  });

  it('keep what they spent when the clock jumps a year ahead and back', () => {
    const pool = new Pool(Budget.perUser(1, 'daily'));
    charge([pool.account(NOW, 'u1')], 900);
    charge([pool.account(NOW + 365 * DAY, 'u2')], 1);
    expect(pool.account(NOW, 'u1').spent).toBe(900);
  });

  it('are forgotten also after such a jump', () => {
    const pool = new Pool(Budget.perUser(1, 'daily'));
    pool.account(NOW + 3_650 * DAY, 'future');
    for (let day = 0; day < 30; day++) for (let n = 0; n < 100; n++) pool.account(NOW + day * DAY, `u${day}-${n}`);
    expect(countOf(pool)).toBeLessThanOrEqual(700);
  });
});

describe('pooled budgets', () => {
  it('of one name and period are one pool in this process', () => {
    const name = poolName();
    const pool = poolOf(Budget.shared(name, { limit: 5, period: 'daily' }));
    expect(poolOf(Budget.shared(name, { limit: 5, period: 'daily' }))).toBe(pool);
    expect(poolOf(Budget.shared(name, { limit: 5, period: 'monthly' }))).not.toBe(pool);
    expect(poolOf(Budget.shared(poolName(), { limit: 5, period: 'daily' }))).not.toBe(pool);
  });

  it('an agent has its own pool, also from a Budget that another agent uses', () => {
    const budget = Budget.daily(5, { name: 'mine' });
    expect(poolOf(budget)).not.toBe(poolOf(budget));
  });

  it.each([
    ['limit', { limit: 6, period: 'daily' } as const],
    ['timeZone', { limit: 5, period: 'daily', timeZone: 'Asia/Kolkata' } as const],
  ])('declared with another %s are refused, naming it', (field, other) => {
    const name = poolName();
    poolOf(Budget.shared(name, { limit: 5, period: 'daily' }));
    const error = refusal(() => poolOf(Budget.shared(name, other)));
    expect(error.path).toBe(field);
    expect(error.message).toContain(name);
    expect(error.message).toContain('guard.setLimit()');
  });

  it('may be declared as before after someone changed the limit', () => {
    const name = poolName();
    const pool = poolOf(Budget.shared(name, { limit: 5, period: 'daily' }));
    pool.limit = 9e9;
    expect(poolOf(Budget.shared(name, { limit: 5, period: 'daily' })).limit).toBe(9e9);
  });

  it('listed twice by one guard are refused: a call would be charged twice', () => {
    const shared = Budget.shared(poolName(), { limit: 5, period: 'daily' });
    expect(refusal(() => setOf(shared, shared)).message).toContain('listed twice');
    const org = Budget.org({ limit: 5, period: 'daily' });
    expect(refusal(() => setOf(org, Budget.org({ limit: 5, period: 'daily' }))).path).toBe('budget');
  });

  it('of one name with two periods may be listed together', () => {
    const name = poolName();
    const set = setOf(
      Budget.shared(name, { limit: 5, period: 'daily' }),
      Budget.shared(name, { limit: 50, period: 'monthly' }),
    );
    expect(set.ids).toEqual([name, `${name}#2`]);
  });
});

describe('ids', () => {
  it('are the name, else the period, else the period with a number', () => {
    const set = setOf(
      Budget.daily(1),
      Budget.daily(2, { name: 'mine' }),
      Budget.daily(3),
      Budget.tokens(4, 'daily'),
      Budget.hourly(5),
    );
    expect(set.ids).toEqual(['daily', 'mine', 'daily#2', 'daily#3', 'hourly']);
    expect(set.limitOf('daily#2', 9)).toMatchObject({ limit: 9e9, pool: { budget: { limit: 3e9 } } });
    expect(set.limitOf('daily#3', 9)).toMatchObject({ limit: 9, pool: { budget: { unit: 'tokens' } } });
  });

  it('a period finds a named budget where only one has it', () => {
    const set = setOf(Budget.daily(1, { name: 'a' }), Budget.hourly(1, { name: 'b' }), Budget.hourly(2, { name: 'c' }));
    expect(set.limitOf('daily', 2).pool.budget.name).toBe('a');
    expect(refusal(() => set.limitOf('hourly', 2)).message).toMatch(/more than one budget.*a, b, c/);
    expect(refusal(() => set.limitOf('weekly', 2)).message).toMatch(/no budget "weekly".*a, b, c/);
  });

  it('of two budgets with one name are refused', () => {
    expect(refusal(() => setOf(Budget.daily(1, { name: 'a' }), Budget.total(1, { name: 'a' }))).message).toContain(
      '"a"',
    );
  });

  it.each([0, -1, NaN, Infinity, '5', undefined, 1e10])('setLimit to %s is refused', (value) => {
    const error = refusal(() => setOf(Budget.daily(1)).limitOf('daily', value as number));
    expect(error.message).toMatch(/^setLimit\('daily'\): the limit must be/);
  });
});
