import { describe, expect, it } from 'vitest';
import { SHARED } from '../testing/leasing-process.ts';
import { LeasingWorld, ROUND_TRIP_MS } from '../testing/leasing-world.ts';
import { WIRE_LIMITS, type LeasesAnswer, type LeasesRequest } from '../wire/index.ts';
import { Budget } from './budget.ts';
import { LeaseDesk } from './lease-desk.ts';
import { charge, Reservation } from './ledger.ts';
import { Pool } from './pool.ts';

const LONG = { share: 1, ms: 600_000 };
const SHORT = { share: 1, ms: 10 };

describe('closing', () => {
  it('gives all back at once, with what no lease has told', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 10, ...SHORT });
    await world.pass(200);
    process.charge(5);
    let isClosed = false;
    void process.desk.close().then(() => (isClosed = true));
    await world.pass(ROUND_TRIP_MS);
    expect(isClosed).toBe(true);
    expect(world.authority.window(SHARED)).toEqual({ spent: 15, leased: 0, estimated: 0 });
    const { length } = process.network.sent;
    await world.pass(100_000);
    expect(process.network.sent).toHaveLength(length);
  });

  it('tells what was spent without any lease', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.charge(5);
    void process.desk.close();
    await world.pass(ROUND_TRIP_MS);
    expect(world.spent).toBe(5);
    expect(world.leased).toBe(0);
  });

  it('keeps what calls in flight hold until they have ended', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 10, share: 0.5, ms: 90_000 });
    await world.pass(200);
    void process.desk.close();
    await world.pass(1_000);
    expect(world.leased).toBe(10);
    await world.pass(89_500);
    expect(world.authority.window(SHARED)).toEqual({ spent: 5, leased: 0, estimated: 0 });
  });

  it('tries again in the background, and gives up in the end', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 10, ...SHORT });
    await world.pass(200);
    process.network.isDown = true;
    void process.desk.close();
    await world.pass(20_000);
    process.network.isDown = false;
    await world.pass(6_000);
    expect(world.leased).toBe(0);
    const other = world.start();
    other.call({ worst: 10, ...SHORT });
    await world.pass(200);
    other.network.isDown = true;
    void other.desk.close();
    await world.pass(3_600_000);
    expect(other.network.sent.length).toBeLessThan(30);
  });

  it('leaves a pool whose next desk reports nothing twice', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 10, ...SHORT });
    await world.pass(200);
    void process.desk.close();
    await world.pass(200);
    const { network, machine, pool } = process;
    const options = { instance: 'next', agent: 'a', maxCallMs: 1_000, isLocalFallback: false };
    const desk = new LeaseDesk({ authority: network, clock: machine, timers: machine, ...options });
    desk.attach(pool);
    desk.open(pool, SHARED);
    charge([process.account], 7);
    await world.pass(500);
    expect(world.spent).toBe(17);
    expect(process.account.spent).toBe(17);
  });
});

describe('a desk', () => {
  const clock = { now: () => Date.UTC(2026, 0, 5, 12), monotonic: () => 0 };
  /** For a desk whose time stands still. */
  const still = {
    instance: 'i',
    agent: 'a',
    maxCallMs: 1,
    isLocalFallback: false,
    clock,
    timers: { start: () => () => undefined },
  };
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  };

  it('asks for no more leases at once than a request may hold', async () => {
    const world = new LeasingWorld();
    const sizes: number[] = [];
    const authority = {
      leases: async (request: LeasesRequest) => {
        sizes.push(request.leases.length);
        return world.authority.answer(request);
      },
    };
    const desk = new LeaseDesk({ ...still, authority });
    for (let i = 0; i < 60; i += 1) {
      const pool = new Pool(Budget.shared(`p${i}`, { limit: 1, period: 'total' }));
      desk.attach(pool);
      new Reservation([pool.account(clock.now(), '')], 5, 0, 0);
      world.authority.declare(`b${i}`, 1_000, 'total');
      desk.open(pool, `b${i}`);
    }
    await turns();
    expect(sizes).toEqual([WIRE_LIMITS.leases, 10]);
  });

  it.each([
    ['leaves a lease out, for none', undefined],
    ['gives no term, for no reason to ask at once', { expiresInMs: 0, granted: 5 }],
  ])('takes an answer that %s', async (_, terms) => {
    let requests = 0;
    const own = { state: 'open', seq: 1, limit: 10, spent: 0, heldByOthers: 0, othersWait: false } as const;
    const state = { agent: 'a', killed: false, epoch: 0, reason: null, by: null };
    const authority = {
      leases: async ({ leases }: LeasesRequest): Promise<LeasesAnswer> => {
        requests += 1;
        const answers = terms === undefined ? [] : leases.map(({ leaseId }) => ({ leaseId, ...own, ...terms }));
        return { leases: answers, state, serverTime: 0 };
      },
    };
    const desk = new LeaseDesk({ ...still, authority });
    const pool = new Pool(Budget.shared('p', { limit: 1, period: 'total' }));
    desk.attach(pool);
    new Reservation([pool.account(clock.now(), '')], 5, 0, 0);
    desk.open(pool, 'b');
    await turns();
    expect(requests).toBe(1);
    expect(desk.isCutOff(pool.account(clock.now(), ''))).toBe(terms === undefined);
  });

  it('takes the longest call of all its guards, and without the authority has room for those who go on, where one of them does', async () => {
    const world = new LeasingWorld();
    const process = world.start({}, true);
    process.desk.attach(process.pool, { maxCallMs: 900_000, isLocalFallback: false });
    process.call({ worst: 1, ...SHORT });
    await world.pass(100);
    expect(process.network.asked[0]!.leases[0]!.maxCallMs).toBe(900_000);
    process.network.isDown = true;
    await world.pass(60_000);
    process.call({ worst: 900, ...LONG });
    await world.pass(1_000);
    // Those who do not go on are told by this, whatever room there is.
    expect(process.desk.isCutOff(process.account)).toBe(true);
    expect(process.account.room).toBe(1_000 - 900 - 1);
  });
});
