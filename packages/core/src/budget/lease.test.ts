import { describe, expect, it } from 'vitest';
import { FakeClock } from '../testing/index.ts';
import type { LeaseAnswer } from '../wire/index.ts';
import { Budget } from './budget.ts';
import { Lease } from './lease.ts';
import { charge, lendBy, Reservation } from './ledger.ts';
import { Pool, type Account } from './pool.ts';

function open(): { clock: FakeClock; account: Account; lease: Lease } {
  const clock = new FakeClock();
  const pool = new Pool(Budget.shared('team', { limit: 0.000_001, period: 'daily' }));
  const account = pool.account(clock.now(), '');
  return { clock, account, lease: new Lease(account, 0, clock) };
}

function answerOf(lease: Lease, fields: Partial<LeaseAnswer> = {}): LeaseAnswer {
  const figures = { granted: 100, expiresInMs: 60_000, limit: 1_000, spent: 0, heldByOthers: 0, othersWait: false };
  return { leaseId: lease.id, state: 'open', seq: 1, ...figures, ...fields };
}

const moment = (clock: FakeClock): { now: number; monotonic: number } => ({
  now: clock.now(),
  monotonic: clock.monotonic(),
});

/** Asks, and takes the answer at once. */
function ask(lease: Lease, clock: FakeClock, want: number, fields?: Partial<LeaseAnswer>): void {
  const request = lease.request('b', { want, need: 0 }, 1_000);
  lease.apply(answerOf(lease, fields), request, moment(clock));
}

describe('the term of a lease', () => {
  it('counts from when the request left, and ends a margin before the expiry', () => {
    const { clock, lease } = open();
    const request = lease.request('b', { want: 100, need: 0 }, 1_000);
    const sentAt = moment(clock);
    clock.advance(30_000);
    lease.apply(answerOf(lease), request, sentAt);
    clock.advance(27_999);
    expect(lease.isUsable).toBe(true);
    clock.advance(1);
    expect(lease.isUsable).toBe(false);
  });

  it('never begins where the answer comes after it', () => {
    const { clock, lease } = open();
    const request = lease.request('b', { want: 100, need: 0 }, 1_000);
    const sentAt = moment(clock);
    clock.advance(58_000);
    lease.apply(answerOf(lease), request, sentAt);
    expect(lease.isUsable).toBe(false);
  });

  it('ends by the wall clock too, which goes on while a machine sleeps', () => {
    const { clock, lease } = open();
    ask(lease, clock, 100);
    clock.set(clock.now() + 58_000);
    expect(lease.isUsable).toBe(false);
  });

  it('is over once the wall clock was set back, and the lease is due', () => {
    const { clock, lease } = open();
    ask(lease, clock, 100);
    clock.set(clock.now() - 900);
    lease.look();
    expect(lease.isUsable).toBe(true);
    clock.set(clock.now() - 200);
    lease.look();
    expect(lease.isUsable).toBe(false);
    expect(lease.isDue).toBe(true);
  });

  it('is renewed after a third, and not more than once a second', () => {
    const { clock, lease } = open();
    ask(lease, clock, 100);
    clock.advance(19_999);
    expect(lease.isDue).toBe(false);
    clock.advance(1);
    expect(lease.isDue).toBe(true);
    ask(lease, clock, 100, { expiresInMs: 3 });
    expect(lease.isDue).toBe(false);
    clock.advance(1_000);
    expect(lease.isDue).toBe(true);
  });
});

describe('what a lease asks for', () => {
  it('relies on no more than what was granted, nor than what it asks for', () => {
    const { clock, account, lease } = open();
    new Reservation([account], 30, 0, 0);
    expect(lease.request('b', { want: 130, need: 30 }, 1_000)).toMatchObject({ used: 0, hold: 0, want: 130, need: 30 });
    ask(lease, clock, 130);
    expect(lease.request('b', { want: 60, need: 0 }, 1_000)).toMatchObject({ hold: 60, want: 60, need: 60 });
    expect(lease.granted).toBe(60);
    const waiting = lease.request('b', { want: 90, need: 80, keep: 30 }, 1_000);
    expect(waiting).toMatchObject({ hold: 30, want: 90, need: 80 });
    expect(lease.granted).toBe(30);
  });

  it('tells what was used beyond the grant', () => {
    const { clock, account, lease } = open();
    ask(lease, clock, 100);
    charge([account], 150);
    expect(lease.request('b', { want: 10, need: 0 }, 1_000)).toMatchObject({ used: 150, hold: 150, want: 150 });
  });

  it('asks for no more than a number can say exactly', () => {
    const { lease } = open();
    const { want, need } = lease.request('b', { want: 1e17, need: 1e16 }, 1_000);
    expect([want, need]).toEqual([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]);
  });

  it('raises its number each time, and takes no answer to an older request', () => {
    const { clock, lease } = open();
    const first = lease.request('b', { want: 100, need: 0 }, 1_000);
    const second = lease.request('b', { want: 100, need: 0 }, 1_000);
    expect(second.seq).toBeGreaterThan(first.seq);
    expect(lease.apply(answerOf(lease), first, moment(clock))).toBe(false);
    expect(lease.granted).toBe(0);
    expect(lease.apply(answerOf(lease), second, moment(clock))).toBe(true);
  });

  it('names no window where there is only one', () => {
    const { clock, lease } = open();
    expect(lease.request('b', undefined, 1).windowStart).toBe(Date.UTC(2026, 0, 1));
    const total = new Pool(Budget.shared('all', { limit: 1, period: 'total' })).account(0, '');
    expect(new Lease(total, 0, clock).request('b', undefined, 1).windowStart).toBeNull();
  });
});

describe('a lease that has ended', () => {
  it('gives no room, and leaves what is charged later to the next one', () => {
    const { clock, account, lease } = open();
    ask(lease, clock, 100);
    charge([account], 20);
    lease.end();
    charge([account], 5);
    expect(lease.isUsable).toBe(false);
    expect(lease.request('b', undefined, 1)).toMatchObject({ used: 20, hold: 20, want: 20, need: 20, close: true });
    expect(new Lease(account, account.leased, clock).used).toBe(5);
  });
});

describe('the ceiling', () => {
  it('is the slice on top of what others have spent, and never more than the limit', () => {
    const { clock, account, lease } = open();
    account.foreign = 300;
    account.spent = 300;
    ask(lease, clock, 100);
    lendBy(account.pool, {
      ceilingOf: () => lease.ceiling,
      check: () => undefined,
      wanted: () => undefined,
      mayGrow: () => false,
      closed: () => undefined,
      isCutOff: () => false,
      isLost: false,
    });
    expect(account.room).toBe(100);
    account.foreign = 950;
    account.spent = 950;
    account.recount();
    expect(account.room).toBe(50);
  });
});
