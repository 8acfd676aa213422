import { describe, expect, it } from 'vitest';
import { SHARED } from '../testing/leasing-process.ts';
import { LeasingWorld, ROUND_TRIP_MS } from '../testing/leasing-world.ts';
import { WIRE_LIMITS, type LeasesAnswer } from '../wire/index.ts';
import { Budget } from './budget.ts';
import { LeaseDesk } from './lease-desk.ts';
import { charge, Reservation } from './ledger.ts';
import { Pool } from './pool.ts';

const LONG = { share: 1, ms: 600_000 };
const SHORT = { share: 1, ms: 10 };
const RECLAIM_MS = 60_000 + 600_000 + 10_000;

describe('a process that is cut off', () => {
  it('spends what it has until shortly before the expiry, then refuses', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 100, ...LONG });
    await world.pass(ROUND_TRIP_MS);
    process.network.isDown = true;
    await world.pass(57_000);
    expect(process.call({ worst: 5, ...LONG }).state).toBe('runs');
    const waiting = process.call({ worst: 900, ...LONG });
    expect(waiting.state).toBe('waits');
    await world.pass(1_500);
    expect(waiting.state).toBe('no backend');
    expect(process.call({ worst: 5, ...LONG }).state).toBe('no backend');
  });

  it('finds its way back, although refused calls wait nowhere', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.network.isDown = true;
    process.call({ worst: 5, ...SHORT });
    await world.pass(60_000);
    expect(process.network.sent.length).toBeLessThan(20); // the first may have arrived: it is closed
    process.network.isDown = false;
    expect(process.call({ worst: 5, ...SHORT }).state).toBe('no backend');
    await world.pass(5_500);
    const call = process.call({ worst: 5, ...SHORT });
    await world.pass(500);
    expect(call.state).toBe('settled');
  });

  it('asks ever more rarely', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.network.isDown = true;
    for (let second = 0; second < 60; second += 1) {
      process.call({ worst: 5, ...SHORT });
      await world.pass(1_000);
    }
    expect(process.network.sent.length).toBeLessThan(17);
  });

  it('goes by the limit and by what it knows, where that was chosen, and reports it later', async () => {
    const world = new LeasingWorld();
    world.start().call({ worst: 300, ...SHORT });
    await world.pass(15_000);
    const process = world.start({}, true);
    process.call({ worst: 1, ...SHORT });
    await world.pass(15_000);
    process.network.isDown = true;
    process.call({ worst: 500, ...SHORT });
    await world.pass(1_000);
    expect(process.account.spent).toBe(801);
    expect(process.call({ worst: 300, ...SHORT }).state).toBe('no room');
    process.network.isDown = false;
    await world.pass(20_000);
    expect(world.spent).toBe(801);
    expect(world.leased).toBe(0);
  });

  it('repeats what brought no answer, and the authority counts it once', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 100, ...SHORT });
    await world.pass(500);
    process.network.journey = () => ({ there: 20, isAnswerLost: true });
    await world.pass(30_000);
    process.network.journey = () => ({ there: 20, back: 20 });
    await world.pass(20_000);
    expect(world.authority.window(SHARED)).toEqual({ spent: 100, leased: 0, estimated: 0 });
  });
});

describe('a lease that was taken back', () => {
  it('is reported, which corrects the estimate, and replaced', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 100, share: 0.2, ms: 10 });
    await world.pass(1_000);
    process.machine.sleep();
    await world.pass(RECLAIM_MS);
    world.authority.expireLeases();
    expect(world.authority.window(SHARED).estimated).toBeGreaterThan(0);
    process.machine.wake();
    expect(process.account.room).toBeGreaterThan(0); // it does not know yet
    const call = process.call({ worst: 100, ...SHORT });
    expect(call.state).toBe('waits');
    await world.pass(2 * ROUND_TRIP_MS + 20);
    expect(call.state).toBe('settled');
    await world.pass(15_000);
    expect(world.authority.window(SHARED)).toEqual({ spent: 120, leased: 0, estimated: 0 });
  });

  it('closes only when the calls that it covers have ended', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 1_000, share: 0.5, ms: 30_000 });
    await world.pass(1_000);
    process.machine.sleep();
    process.machine.start(0, () => undefined);
    world.timeline.plan(0, () => undefined);
    for (const row of world.authority.leaseRows.values()) row.reclaimAt = 0;
    world.authority.expireLeases();
    process.machine.wake();
    const other = world.start();
    const call = other.call({ worst: 100, ...SHORT, waitMs: 0 });
    await world.pass(25_000);
    expect(call.state).not.toBe('settled');
    expect(world.authority.window(SHARED)).toEqual({ spent: 1_000, leased: 0, estimated: 1_000 });
    await world.pass(10_000);
    expect(world.authority.window(SHARED)).toEqual({ spent: 500, leased: 0, estimated: 0 });
  });

  it('gives no room after a sleep that a clock set back would hide', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 10, ...SHORT });
    await world.pass(1_000);
    process.machine.jump(-3_600_000);
    process.network.isDown = true;
    await world.pass(300);
    process.machine.sleep();
    await world.pass(3_000_000);
    process.machine.wake();
    expect(process.call({ worst: 1, ...SHORT }).state).toBe('no backend');
  });

  it('is not asked for again and again where the authority knows no such window', async () => {
    const start = Date.UTC(2026, 0, 5, 11, 56);
    const world = new LeasingWorld(1_000, 'hourly', start);
    const process = world.start({ offset: 300_000 });
    process.charge(70);
    process.call({ worst: 5, ...SHORT });
    await world.pass(60_000);
    expect(process.network.sent.length).toBeLessThan(30);
    await world.pass(240_000);
    expect(world.authority.window(SHARED).spent).toBe(70);
    expect(process.account.leased).toBe(70);
  });
});

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
  const quiet = { start: () => () => undefined };
  const clock = { now: () => Date.UTC(2026, 0, 5, 12), monotonic: () => 0 };
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  };

  it('asks for no more leases at once than a request may hold', async () => {
    const world = new LeasingWorld();
    const sizes: number[] = [];
    const authority = {
      leases: async (request: Parameters<typeof world.authority.leases>[0]) => {
        sizes.push(request.leases.length);
        return world.authority.answer(request);
      },
    };
    const desk = new LeaseDesk({ authority, instance: 'i', agent: 'a', maxCallMs: 1, clock, isLocalFallback: false, timers: quiet }); // prettier-ignore
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

  it('takes an answer that leaves a lease out for none, and one without a term for no reason to ask at once', async () => {
    for (const terms of [undefined, { expiresInMs: 0, granted: 5 }]) {
      let requests = 0;
      const authority = {
        leases: async ({ leases }: Parameters<LeaseDesk['attach']> extends never ? never : { leases: readonly { leaseId: string }[] }): Promise<LeasesAnswer> => {
          requests += 1;
          const own = { state: 'open', seq: 1, limit: 10, spent: 0, heldByOthers: 0, ...terms } as const;
          const answers = terms === undefined ? [] : leases.map(({ leaseId }) => ({ leaseId, ...own, ...terms }));
          return { leases: answers, state: { agent: 'a', killed: false, epoch: 0, reason: null, by: null }, serverTime: 0 };
        },
      }; // prettier-ignore
      const desk = new LeaseDesk({ authority, instance: 'i', agent: 'a', maxCallMs: 1, clock, isLocalFallback: false, timers: quiet }); // prettier-ignore
      const pool = new Pool(Budget.shared('p', { limit: 1, period: 'total' }));
      desk.attach(pool);
      new Reservation([pool.account(clock.now(), '')], 5, 0, 0);
      desk.open(pool, 'b');
      await turns();
      expect(requests).toBe(1);
      expect(desk.isCutOff(pool.account(clock.now(), ''))).toBe(terms === undefined);
    }
  });

  it('takes the longest call of all its guards, and refuses without the authority where one of them does', async () => {
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
    expect(process.call({ worst: 1, ...SHORT }).state).toBe('no backend');
  });
});
