import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Budget } from './budget.ts';
import { amountIn, blocker, changeLimit, charge, fireFull, Reservation, type Amounts } from './ledger.ts';
import { Pool, type Account, type PoolListener } from './pool.ts';

const DAY = 86_400_000;
const MONDAY = Date.UTC(2026, 0, 5);
/** Four moments in four days, hours and weeks: as many windows as a pool is sure to remember. */
const MOMENTS = [MONDAY, MONDAY + DAY, MONDAY + 8 * DAY, MONDAY + 15 * DAY];

const newPools = (): Pool[] => [
  new Pool(Budget.daily(0.000_001)), // 1,000 nano-dollars
  new Pool(Budget.weekly(0.000_003)),
  new Pool(Budget.total(0.000_009)),
  new Pool(Budget.tokens(500, 'daily')),
  new Pool(Budget.calls(6, 'hourly')),
];

type Step =
  | { do: 'reserve'; usd: number; tokens: number; calls: number }
  | { do: 'settle'; which: number; share: number }
  | { do: 'settle again'; which: number }
  | { do: 'charge'; usd: number }
  | { do: 'limit'; pool: number; factor: number }
  | { do: 'clock'; moment: number };

const index = fc.nat(1_000);
const reserve = fc.record({
  do: fc.constant('reserve' as const),
  usd: fc.integer({ min: 0, max: 600 }),
  tokens: fc.integer({ min: 0, max: 300 }),
  calls: fc.constant(1),
});
const settle = (most: number) =>
  fc.record({
    do: fc.constant('settle' as const),
    which: index,
    share: fc.oneof(fc.constant(0), fc.constant(1), fc.double({ min: 0, max: most, noNaN: true })),
  });
const settleAgain = fc.record({ do: fc.constant('settle again' as const), which: index });
const clock = fc.record({ do: fc.constant('clock' as const), moment: fc.nat(MOMENTS.length - 1) });
const limit = (factors: fc.Arbitrary<number>) =>
  fc.record({ do: fc.constant('limit' as const), pool: index, factor: factors });

/** Honest calls under limits that only rise: what must never pass a limit. */
const honest: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: reserve },
    { weight: 4, arbitrary: settle(1) },
    { weight: 1, arbitrary: settleAgain },
    { weight: 1, arbitrary: clock },
    { weight: 1, arbitrary: limit(fc.double({ min: 1, max: 1.5, noNaN: true })) },
  ),
  { minLength: 20, maxLength: 80 },
);
/** Everything that can happen: settled above the reservation, charged without one, limits lowered. */
const wild: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: reserve },
    { weight: 4, arbitrary: settle(2) },
    { weight: 1, arbitrary: settleAgain },
    { weight: 1, arbitrary: clock },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('charge' as const), usd: fc.nat(300) }) },
    { weight: 1, arbitrary: limit(fc.double({ min: 0.2, max: 2, noNaN: true })) },
  ),
  { minLength: 20, maxLength: 80 },
);

interface Held extends Amounts {
  readonly reservation: Reservation;
  readonly accounts: readonly Account[];
}

function listen(pool: Pool, onThreshold: PoolListener['onThreshold']): void {
  pool.listeners.add({ onThreshold, onCorrection: () => undefined });
}

/** A second bookkeeping, the plainest there is: figures per account, and which thresholds are armed. */
class Books {
  readonly pools = newPools();
  readonly fired: string[] = [];
  readonly expected: string[] = [];
  readonly figures = new Map<Account, { spent: number; reserved: number; armed: Set<number> }>();
  readonly open: Held[] = [];
  readonly ended: Held[] = [];
  now = MONDAY;
  #checked = 0;

  constructor() {
    for (const pool of this.pools)
      listen(pool, (account, threshold) => this.fired.push(this.#name(account, threshold)));
  }

  accounts(): readonly Account[] {
    return this.pools.map((pool) => pool.account(this.now, ''));
  }

  run(step: Step): void {
    if (step.do === 'reserve') this.#reserve(step);
    else if (step.do === 'settle') this.#settle(step.which, step.share);
    else if (step.do === 'settle again') this.#settleAgain(step.which);
    else if (step.do === 'clock') this.now = MOMENTS[step.moment]!;
    else if (step.do === 'charge') {
      const accounts = this.accounts();
      charge(accounts, step.usd);
      for (const account of accounts) if (account.pool.budget.unit === 'usd') this.#spend(account, 0, step.usd);
    } else this.#changeLimit(this.pools[step.pool % this.pools.length]!, step.factor);
  }

  check(): void {
    for (const [account, { spent, reserved }] of this.figures) {
      if (account.spent === spent && account.reserved === reserved) continue; // `expect` is slow
      expect([account.spent, account.reserved]).toEqual([spent, reserved]);
    }
    if (this.fired.length === this.#checked && this.expected.length === this.#checked) return;
    expect(this.fired.toSorted()).toEqual(this.expected.toSorted());
    this.#checked = this.fired.length;
  }

  of(account: Account): { spent: number; reserved: number; armed: Set<number> } {
    let figures = this.figures.get(account);
    if (figures === undefined) {
      // A window that was there before has its account: no spend is ever forgotten by a clock that jumps.
      const isForgotten = [...this.figures.keys()].some(
        ({ pool, window }) => pool === account.pool && window.start === account.window.start,
      );
      expect(isForgotten).toBe(false);
      figures = { spent: 0, reserved: 0, armed: new Set([0.7, 0.9, 1]) };
      this.figures.set(account, figures);
    }
    return figures;
  }

  #reserve(amounts: Amounts): void {
    const accounts = this.accounts();
    const blocked = blocker(accounts, amounts);
    const wouldFit = accounts.every((account) => {
      const { spent, reserved } = this.of(account);
      return spent + reserved + amountIn(account.pool.budget.unit, amounts) <= account.pool.limit;
    });
    if ((blocked === undefined) !== wouldFit) expect(blocked).toBe(wouldFit ? undefined : 'an account');
    if (blocked !== undefined) return; // check() sees that no account was touched
    const reservation = new Reservation(accounts, amounts.usd, amounts.tokens, amounts.calls);
    this.open.push({ reservation, accounts, usd: amounts.usd, tokens: amounts.tokens, calls: amounts.calls });
    for (const account of accounts) this.of(account).reserved += amountIn(account.pool.budget.unit, amounts);
  }

  #settle(which: number, share: number): void {
    const [held] = this.open.splice(which % Math.max(1, this.open.length), 1);
    if (held === undefined) return;
    const used = {
      usd: Math.floor(held.usd * share),
      tokens: Math.floor(held.tokens * share),
      calls: share > 0 ? 1 : 0,
    };
    expect(held.reservation.settle(used.usd, used.tokens, used.calls)).toBe(true);
    this.ended.push(held);
    // In the windows that took it, whatever the clock says now.
    for (const account of held.accounts) {
      const { unit } = account.pool.budget;
      this.#spend(account, amountIn(unit, held), amountIn(unit, used));
    }
  }

  #settleAgain(which: number): void {
    const held = this.ended[which % Math.max(1, this.ended.length)];
    if (held === undefined) return;
    expect(held.reservation.open).toBe(false);
    expect(held.reservation.settle(held.usd, held.tokens, 1)).toBe(false);
  }

  #spend(account: Account, reserved: number, spent: number): void {
    const figures = this.of(account);
    figures.reserved -= reserved;
    figures.spent += spent;
    this.#expectThresholds(account);
  }

  #changeLimit(pool: Pool, factor: number): void {
    const before = pool.limit;
    const after = Math.max(1, Math.round(before * factor));
    changeLimit(pool, after);
    for (const [account, { spent, armed }] of this.figures) {
      if (account.pool !== pool) continue;
      if (after > before) for (const share of [0.7, 0.9, 1]) if (!isReached(spent, share, after)) armed.add(share);
      this.#expectThresholds(account);
    }
  }

  #expectThresholds(account: Account): void {
    const { spent, armed } = this.of(account);
    for (const share of [...armed]) {
      if (!isReached(spent, share, account.pool.limit)) continue;
      armed.delete(share);
      this.expected.push(this.#name(account, share));
    }
  }

  #name(account: Account, threshold: number): string {
    return `${this.pools.indexOf(account.pool)} ${account.window.start} ${threshold}`;
  }
}

/** `spent / limit >= share`, in whole numbers. */
function isReached(spent: number, share: number, ofLimit: number): boolean {
  return spent * 10 >= Math.round(share * 10) * ofLimit;
}

describe('any interleaving of calls', () => {
  it('never holds or spends more than a limit that is not lowered', () => {
    fc.assert(
      fc.property(honest, (steps) => {
        const books = new Books();
        for (const step of steps) {
          books.run(step);
          const over = [...books.figures.keys()].find(({ spent, reserved, pool }) => spent + reserved > pool.limit);
          if (over !== undefined) expect(over.spent + over.reserved).toBeLessThanOrEqual(over.pool.limit);
        }
      }),
      { numRuns: 1_500 },
    );
  });

  it('keeps the same books as the plainest bookkeeping, with each threshold once', () => {
    fc.assert(
      fc.property(wild, (steps) => {
        const books = new Books();
        for (const step of steps) {
          books.run(step);
          books.check();
        }
      }),
      { numRuns: 1_500 },
    );
  });

  it('holds nothing in the end', () => {
    fc.assert(
      fc.property(wild, (steps) => {
        const books = new Books();
        for (const step of steps) books.run(step);
        while (books.open.length > 0) books.run({ do: 'settle', which: 0, share: 0.5 });
        books.check();
        for (const account of books.figures.keys()) expect(account.reserved).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the 100 % event', () => {
  const setUp = (): { account: Account; pool: Pool; fired: number[] } => {
    const pool = new Pool(Budget.daily(0.000_001));
    const fired: number[] = [];
    listen(pool, (_account, threshold) => fired.push(threshold));
    return { account: pool.account(MONDAY, ''), pool, fired };
  };

  it('fires once, whether by a refusal or by spend that reaches the limit', () => {
    const { account, fired } = setUp();
    charge([account], 950);
    fireFull(account);
    fireFull(account);
    charge([account], 50);
    expect(fired).toEqual([0.7, 0.9, 1]);
  });

  it('fires again after the limit rose above the spend', () => {
    const { account, pool, fired } = setUp();
    charge([account], 950);
    fireFull(account);
    changeLimit(pool, 2_000);
    charge([account], 1_050);
    expect(fired).toEqual([0.7, 0.9, 1, 0.7, 0.9, 1]);
  });

  it.each([
    ['the same', 1_000],
    ['lowered', 960],
  ])('does not fire again when the limit is %s', (_what, to) => {
    const { account, pool, fired } = setUp();
    charge([account], 950);
    fireFull(account);
    changeLimit(pool, to);
    fireFull(account);
    charge([account], 100);
    expect(fired).toEqual([0.7, 0.9, 1]);
  });

  it('fires not a nano-dollar early, however large the limit', () => {
    const pool = new Pool(Budget.total(9_000_000));
    const fired: number[] = [];
    listen(pool, (_account, threshold) => fired.push(threshold));
    const account = pool.account(MONDAY, '');
    charge([account], pool.limit - 1);
    expect(fired).toEqual([0.7, 0.9]);
    charge([account], 1);
    expect(fired).toEqual([0.7, 0.9, 1]);
  });
});
