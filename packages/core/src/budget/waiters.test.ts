import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Budget } from './budget.ts';
import { admitWaiting, amountIn, blocker, changeLimit, enqueue, Reservation, type Amounts } from './ledger.ts';
import { Pool, type Account, type Waiter } from './pool.ts';

const NOW = Date.UTC(2026, 0, 5);

/** A call that waits for room in its accounts, as a guard's waiting calls do. */
class WaitingCall implements Waiter, Amounts {
  state: 'waits' | 'admitted' | 'refused' = 'waits';
  reservation: Reservation | undefined;

  constructor(
    readonly queues: Queues,
    readonly order: number,
    readonly accounts: readonly Account[],
    readonly usd: number,
    readonly tokens: number,
  ) {}

  readonly calls = 1;

  /** It takes its whole amount or nothing. */
  get claim(): Waiter['claim'] {
    return { usd: this.usd, tokens: this.tokens, calls: this.calls, least: this };
  }

  attempt(): true | Account {
    const blocked = blocker(this.accounts, this, this.order);
    if (blocked === undefined) {
      this.queues.admit(this);
      return true;
    }
    if (!this.accounts.some((account) => this.isStuckIn(account))) return blocked;
    this.state = 'refused';
    return true;
  }

  /** Whether no other call could ever free enough in an account. */
  isStuckIn({ pool, spent }: Account): boolean {
    return amountIn(pool.budget.unit, this) > pool.limit - spent;
  }
}

/** The calls that wait in an account, first to last. */
function queueOf(account: Account): WaitingCall[] {
  return account.queue.flatMap((waiter) => (waiter instanceof WaitingCall ? [waiter] : []));
}

class Queues {
  readonly pools = [
    new Pool(Budget.daily(0.000_001)),
    new Pool(Budget.total(0.000_002)),
    new Pool(Budget.tokens(300, 'daily')),
    new Pool(Budget.calls(8, 'daily')),
  ];
  readonly accounts = this.pools.map((pool) => pool.account(NOW, ''));
  readonly calls: WaitingCall[] = [];

  /** The FIFO rule: nobody is admitted past a call that came earlier and waits in one of the same accounts. */
  admit(call: WaitingCall): void {
    for (const account of call.accounts) {
      const earlier = queueOf(account).find(({ order }) => order < call.order);
      if (earlier !== undefined) expect(`${call.order} passed ${earlier.order}`).toBe('in order of arrival');
    }
    call.state = 'admitted';
    call.reservation = new Reservation(call.accounts, call.usd, call.tokens, call.calls);
  }

  arrive(mask: number, usd: number, tokens: number): void {
    const accounts = this.accounts.filter((_, i) => (mask & (1 << i)) !== 0);
    const call = new WaitingCall(this, this.calls.length, accounts, usd, tokens);
    this.calls.push(call);
    const result = call.attempt();
    if (result !== true) enqueue(result, call);
  }

  settle(which: number, share: number): void {
    const open = this.calls.filter(({ reservation }) => reservation?.open === true);
    const call = open[which % Math.max(1, open.length)];
    call?.reservation?.settle(Math.floor(call.usd * share), Math.floor(call.tokens * share), share > 0 ? 1 : 0);
  }

  /** A waiting call gives up: its time is over, or its user aborts. */
  leave(which: number): void {
    const waiting = this.accounts.flatMap(queueOf);
    const call = waiting[which % Math.max(1, waiting.length)];
    if (call === undefined) return;
    const account = this.accounts.find(({ queue }) => queue.includes(call))!;
    account.queue.splice(account.queue.indexOf(call), 1);
    call.state = 'refused';
    admitWaiting(account);
  }

  changeLimit(which: number, factor: number): void {
    const pool = this.pools[which % this.pools.length]!;
    changeLimit(pool, Math.max(1, Math.round(pool.limit * factor)));
  }

  check(): void {
    const queued = new Set<Waiter>();
    for (const account of this.accounts) {
      const queue = queueOf(account);
      queue.forEach((call, i) => {
        if (queued.has(call)) expect('a call').toBe('in one queue only');
        queued.add(call);
        if (i > 0 && queue[i - 1]!.order > call.order) expect(queue.map(({ order }) => order)).toBe('sorted');
      });
      const head = queue[0];
      // No lost wake-up: who is first would not fit, and could fit once others end.
      if (head === undefined) continue;
      if (blocker(head.accounts, head, head.order) === undefined) expect(`${head.order} waits`).toBe('though it fits');
      if (head.isStuckIn(account)) expect(`${head.order} waits`).toBe('though nothing can free room');
    }
    const lost = this.calls.find((call) => call.state === 'waits' && !queued.has(call));
    expect(lost).toBeUndefined();
  }
}

const which = fc.nat(1_000);
const share = fc.oneof(fc.constant(0), fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true }));
const arrive = fc.record({
  do: fc.constant('arrive' as const),
  mask: fc.integer({ min: 1, max: 15 }),
  usd: fc.integer({ min: 0, max: 700 }),
  tokens: fc.integer({ min: 0, max: 200 }),
});
const step = fc.oneof(
  { weight: 6, arbitrary: arrive },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('settle' as const), which, share }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), which }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('limit' as const),
      which,
      factor: fc.double({ min: 0.5, max: 2, noNaN: true }),
    }),
  },
);
const steps = fc.array(step, { minLength: 20, maxLength: 100 });

function run(queues: Queues, given: typeof step extends fc.Arbitrary<infer S> ? S : never): void {
  if (given.do === 'arrive') queues.arrive(given.mask, given.usd, given.tokens);
  else if (given.do === 'settle') queues.settle(given.which, given.share);
  else if (given.do === 'leave') queues.leave(given.which);
  else queues.changeLimit(given.which, given.factor);
}

describe('calls that wait for room', () => {
  it('are let in by order of arrival, as soon as they fit, and are never forgotten', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const queues = new Queues();
        for (const each of all) {
          run(queues, each);
          queues.check();
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('do not starve: once all others have ended, nobody waits and nothing is held', () => {
    fc.assert(
      fc.property(steps, share, (all, used) => {
        const queues = new Queues();
        for (const each of all) run(queues, each);
        for (let i = 0; i < queues.calls.length; i++) queues.settle(0, used);
        for (const account of queues.accounts) {
          expect(account.queue).toEqual([]);
          expect(account.reserved).toBe(0);
        }
        expect(queues.calls.filter(({ state }) => state === 'waits')).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('a small call does not pass a large one that came first', () => {
    const queues = new Queues();
    queues.arrive(1, 900, 0);
    queues.arrive(1, 500, 0);
    queues.arrive(1, 50, 0);
    expect(queues.calls.map(({ state }) => state)).toEqual(['admitted', 'waits', 'waits']);
    queues.settle(0, 0.1);
    expect(queues.calls.map(({ state }) => state)).toEqual(['admitted', 'admitted', 'admitted']);
  });

  it('a call that waits in one account does not hold up those that do not need it', () => {
    const queues = new Queues();
    queues.arrive(1, 900, 0);
    queues.arrive(1, 500, 0);
    queues.arrive(2, 500, 0);
    expect(queues.calls.map(({ state }) => state)).toEqual(['admitted', 'waits', 'admitted']);
  });
});
