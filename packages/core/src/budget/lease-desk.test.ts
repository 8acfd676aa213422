import { describe, expect, it } from 'vitest';
import { LeasingWorld, ROUND_TRIP_MS } from '../testing/leasing-world.ts';
import { SHARED, type LeasingProcess } from '../testing/leasing-process.ts';

const LONG = { share: 1, ms: 600_000 };
const SHORT = { share: 1, ms: 10 };

/** The most requests in any second. */
function busiest({ network }: LeasingProcess): number {
  return Math.max(
    ...network.sent.map((at) => network.sent.filter((other) => other >= at && other < at + 1_000).length),
  );
}

describe('a call that needs room', () => {
  it('is admitted within one round trip, and the next ones at once', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    const first = process.call({ worst: 10, ...LONG });
    await world.pass(ROUND_TRIP_MS);
    expect(first.state).toBe('runs');
    expect(process.call({ worst: 10, ...LONG }).state).toBe('runs');
    expect(process.network.sent).toHaveLength(1);
  });

  it('gets all it wants while there is money, more than a slice too', async () => {
    const world = new LeasingWorld();
    const call = world.start().call({ worst: 900, least: 10, ...LONG });
    await world.pass(ROUND_TRIP_MS);
    expect(call.usd).toBe(900);
  });

  it('is lowered to what is left, not to the least', async () => {
    const world = new LeasingWorld();
    world.start().call({ worst: 700, ...LONG });
    await world.pass(ROUND_TRIP_MS);
    const call = world.start().call({ worst: 400, least: 10, ...LONG });
    await world.pass(2 * ROUND_TRIP_MS);
    expect(call.usd).toBe(300);
  });

  it('waits for no pause while others that came with it are admitted one by one', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    const calls = Array.from({ length: 9 }, () => process.call({ worst: 110, ...LONG }));
    await world.pass(9 * ROUND_TRIP_MS);
    expect(calls.map(({ state }) => state)).toEqual(Array.from({ length: 9 }, () => 'runs'));
  });

  it('is admitted soon after another process has given its slice back', async () => {
    const world = new LeasingWorld();
    const other = world.start();
    other.call({ worst: 900, share: 0.1, ms: 1_000 });
    await world.pass(ROUND_TRIP_MS);
    const call = world.start().call({ worst: 500, ...LONG });
    await world.pass(11_600);
    expect(call.state).toBe('runs');
    expect(other.desk.leaseOf(other.account)).toBeUndefined();
  });

  it('is refused when nothing is left, and by what others have spent too', async () => {
    const world = new LeasingWorld();
    world.start().call({ worst: 995, ...SHORT });
    await world.pass(15_000);
    const process = world.start();
    const large = process.call({ worst: 10, ...SHORT });
    await world.pass(2 * ROUND_TRIP_MS);
    expect(large.state).toBe('no room');
    expect(process.account.spent).toBe(995);
    const small = process.call({ worst: 5, ...SHORT });
    await world.pass(1_000);
    expect(small.state).toBe('settled');
  });
});

describe('a call that may not wait', () => {
  it('waits for the one answer of the authority', async () => {
    const world = new LeasingWorld();
    world.start().call({ worst: 900, ...LONG });
    await world.pass(ROUND_TRIP_MS);
    const call = world.start().call({ worst: 500, ...SHORT, waitMs: 0 });
    expect(call.state).toBe('waits');
    await world.pass(ROUND_TRIP_MS);
    expect(call.state).toBe('held');
  });

  it('does not wait for the calls before it either', async () => {
    const world = new LeasingWorld();
    world.start().call({ worst: 900, ...LONG });
    await world.pass(ROUND_TRIP_MS);
    const process = world.start();
    const patient = process.call({ worst: 500, ...SHORT });
    const calls = [process.call({ worst: 500, ...SHORT, waitMs: 0 }), process.call({ worst: 1, ...SHORT, waitMs: 0 })];
    await world.pass(ROUND_TRIP_MS);
    expect([patient, ...calls].map(({ state }) => state)).toEqual(['waits', 'held', 'held']);
  });
});

describe('how often the authority is asked', () => {
  it('never where nothing is leased', async () => {
    const world = new LeasingWorld();
    const { network } = world.start();
    await world.pass(300_000);
    expect(network.sent).toEqual([]);
  });

  it('every twenty seconds where calls are in flight and nothing moves', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 240, ...LONG });
    await world.pass(300_000);
    // Twice more until what it does not use is given back.
    expect(process.network.sent.length).toBeLessThanOrEqual(18);
    expect(process.desk.leaseOf(process.account)!.isUsable).toBe(true);
  });

  it('so too where the slice is all that is left', async () => {
    const world = new LeasingWorld(100);
    const process = world.start();
    process.call({ worst: 99, ...LONG });
    await world.pass(300_000);
    expect(process.network.sent.length).toBeLessThanOrEqual(16);
  });

  it('at most five times a second where calls starve', async () => {
    const world = new LeasingWorld();
    world.start().call({ worst: 1_000, ...LONG });
    await world.pass(ROUND_TRIP_MS);
    const process = world.start();
    for (let i = 0; i < 100; i += 1) {
      process.call({ worst: 50 + i, least: 1 + i, ...SHORT });
      process.call({ worst: 50, ...SHORT, waitMs: 0 });
      await world.pass(100);
    }
    expect(busiest(process)).toBeLessThanOrEqual(5);
    expect(process.network.sent.length).toBeGreaterThan(20);
  });

  it('so too where the agent is stopped and gets nothing', async () => {
    const world = new LeasingWorld();
    world.authority.isKilled = true;
    const process = world.start();
    process.call({ worst: 400, least: 10, ...SHORT });
    await world.pass(150);
    expect(process.network.sent).toHaveLength(1);
    await world.pass(5_000);
    expect(busiest(process)).toBeLessThanOrEqual(5);
  });

  it('a few times a second at most while calls run one after the other', async () => {
    const world = new LeasingWorld(1_000_000);
    const process = world.start();
    for (let i = 0; i < 300; i += 1) {
      process.call({ worst: 100, share: 0.5, ms: 90 });
      await world.pass(100);
    }
    expect(process.calls.every(({ state }) => state === 'settled')).toBe(true);
    expect(process.network.sent.length).toBeLessThan(40);
    // Only the first had to ask.
    expect(process.calls.filter(({ arrivedAt, admittedAt }) => admittedAt! > arrivedAt).length).toBeLessThan(5);
  });
});

describe('a slice', () => {
  it('is given back when nobody uses it', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 10, ...SHORT });
    await world.pass(200);
    expect(world.leased).toBeGreaterThan(0);
    await world.pass(12_000);
    expect(world.leased).toBe(0);
    expect(world.spent).toBe(10);
  });

  it('shrinks where it is far larger than what is used', async () => {
    const world = new LeasingWorld(100_000);
    const process = world.start();
    process.call({ worst: 20_000, share: 0, ms: 10 });
    for (let i = 0; i < 80; i += 1) {
      process.call({ worst: 2, share: 1, ms: 100 });
      await world.pass(1_000);
    }
    expect(world.leased).toBeLessThan(11_000);
  });

  it('of a window that is over is given back as soon as its calls have ended', async () => {
    const world = new LeasingWorld(1_000, 'hourly', Date.UTC(2026, 0, 5, 11, 59, 50));
    const process = world.start();
    const old = process.account;
    process.call({ worst: 100, share: 1, ms: 15_000 });
    await world.pass(12_000);
    const next = process.call({ worst: 100, ...SHORT });
    await world.pass(5_000);
    expect(next.state).toBe('settled');
    expect(process.desk.leaseOf(old)).toBeUndefined();
    expect(world.authority.window(SHARED, old.window.start)).toEqual({ spent: 100, leased: 0, estimated: 0 });
  });

  it('reports what is spent and held without room: under observe and soft, and by charges', async () => {
    const world = new LeasingWorld(100);
    const process = world.start();
    process.charge(30);
    await world.pass(300);
    expect(world.spent).toBe(30);
    process.charge(200);
    await world.pass(11_000);
    expect(world.spent).toBe(230);
    expect(world.leased).toBe(0);
  });
});

describe('a limit', () => {
  it('that is raised lets in who waits', async () => {
    const world = new LeasingWorld(100);
    const process = world.start();
    process.call({ worst: 90, ...LONG });
    const waiting = process.call({ worst: 50, ...LONG });
    await world.pass(1_000);
    expect(waiting.state).toBe('waits');
    world.authority.setLimit(SHARED, 200);
    await world.pass(600);
    expect(waiting.state).toBe('runs');
    expect(process.pool.limit).toBe(200);
  });

  it('that is lowered gives no new room', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 100, ...LONG });
    await world.pass(ROUND_TRIP_MS);
    world.authority.setLimit(SHARED, 150);
    const large = process.call({ worst: 300, ...LONG });
    await world.pass(2 * ROUND_TRIP_MS);
    expect(large.state).toBe('no room');
    expect(process.account.room).toBe(50);
  });
});
