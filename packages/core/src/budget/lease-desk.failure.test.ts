import { describe, expect, it } from 'vitest';
import { SHARED } from '../testing/leasing-process.ts';
import { LeasingWorld, ROUND_TRIP_MS } from '../testing/leasing-world.ts';

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

  it('tries again for the calls that were refused, where nothing else would ask', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.desk.lost();
    await world.pass(60_000);
    expect(process.network.sent).toEqual([]);
    expect(process.call({ worst: 5, ...SHORT }).state).toBe('no backend');
    await world.pass(500);
    const call = process.call({ worst: 5, ...SHORT });
    await world.pass(100);
    expect(call.state).toBe('settled');
  });

  it('keeps a slice that nobody uses', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 5, ...SHORT });
    await world.pass(200);
    process.network.isDown = true;
    process.desk.lost();
    await world.pass(40_000);
    expect(process.call({ worst: 5, ...SHORT }).state).toBe('runs');
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

describe('an answer that is lost', () => {
  it('makes nothing count twice that a lease has used and told at its end', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 100, ...SHORT });
    await world.pass(100);
    let most = 0;
    world.timeline.onEvent = () => (most = Math.max(most, process.account.spent));
    process.network.journey = () => ({ there: 20, isCut: true });
    void process.desk.giveBack();
    await world.pass(200);
    expect([...world.authority.leaseRows.values()].map(({ state, used }) => [state, used])).toEqual([['closed', 100]]);
    process.network.journey = () => ({ there: 20, back: 20 });
    expect(process.call({ worst: 850, ...SHORT }).state).toBe('no backend');
    await world.pass(700);
    expect(process.desk.leaseOf(process.account)?.isUsable).toBe(true);
    expect(most).toBe(100);
    const call = process.call({ worst: 850, ...SHORT });
    await world.pass(500);
    expect(call.state).toBe('settled');
  });
});

describe('a lease that the authority does not know', () => {
  it('tells nothing of the limit, nor of what was spent', async () => {
    const world = new LeasingWorld(1_000, 'hourly', Date.UTC(2026, 0, 5, 11, 56));
    const process = world.start({ offset: 300_000 });
    const seen = new Set<string>();
    world.timeline.onEvent = () => seen.add(`${process.account.spent} of ${process.pool.limit}`);
    process.charge(70);
    await world.pass(60_000);
    expect(process.network.sent.length).toBeGreaterThan(1);
    expect([...seen]).toEqual(['70 of 1000']);
  });

  it('is closed by a request that comes before the one that opens it', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.network.journey = () => ({ there: 11_000, back: 20 });
    process.call({ worst: 5, ...SHORT, waitMs: 2_000 });
    await world.pass(10_100);
    process.network.journey = () => ({ there: 20, back: 20 });
    process.charge(7);
    void process.desk.close();
    await world.pass(30_000);
    expect(world.authority.window(SHARED)).toEqual({ spent: 7, leased: 0, estimated: 0 });
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
