import { describe, expect, it } from 'vitest';
import type { LeasingCall, LeasingProcess } from '../testing/leasing-process.ts';
import { LeasingWorld, ROUND_TRIP_MS } from '../testing/leasing-world.ts';

const LONG = { share: 1, ms: 600_000 };
const SHORT = { share: 1, ms: 10 };

/** Processes that each hold 40 of 100 for nothing: so much a call of theirs has reserved and not used. */
async function holders(world: LeasingWorld, count: number): Promise<LeasingProcess[]> {
  const processes = Array.from({ length: count }, () => world.start());
  for (const process of processes) process.call({ worst: 40, share: 0, ms: 10 });
  await world.pass(60);
  expect(world.leased).toBe(40 * count);
  return processes;
}

const statesOf = (calls: readonly LeasingCall[]): string[] => calls.map(({ state }) => state);

describe('processes whose slices are too small for their next calls', () => {
  it('give them back, so that one of them gets enough, and then the other', async () => {
    const world = new LeasingWorld(100);
    const processes = await holders(world, 2);
    const calls = processes.map((process) => process.call({ worst: 70, share: 1 / 7, ms: 1_000 }));
    expect(statesOf(calls)).toEqual(['waits', 'waits']);
    await world.pass(600);
    expect(statesOf(calls).toSorted()).toEqual(['runs', 'waits']);
    await world.pass(2_000);
    expect(calls.every(({ admittedAt }) => admittedAt !== undefined)).toBe(true);
  });

  it('rely on no more than they have told while they wait', async () => {
    const world = new LeasingWorld(100);
    const [process] = await holders(world, 2);
    process!.call({ worst: 70, ...LONG });
    await world.pass(600);
    expect(process!.network.asked.at(-1)!.leases[0]).toMatchObject({ used: 0, hold: 0, need: 70 });
    expect(process!.account.room).toBe(0);
  });

  it('keep them where the authority can not be reached any more', async () => {
    const world = new LeasingWorld(100);
    const [process] = await holders(world, 2);
    const large = process!.call({ worst: 70, ...SHORT, waitMs: 2_000 });
    await world.pass(2 * ROUND_TRIP_MS); // an earlier request is under way still
    process!.network.isDown = true;
    process!.desk.lost();
    await world.pass(2_500);
    expect(large.state).toBe('waited');
    expect(process!.call({ worst: 40, ...SHORT }).state).toBe('runs');
  });
});

describe('a process that holds more than it uses, while another waits', () => {
  it('gives it back soon, not when it has been idle for long', async () => {
    const world = new LeasingWorld(100);
    await holders(world, 1);
    const call = world.start().call({ worst: 70, ...LONG });
    await world.pass(1_500);
    expect(call.state).toBe('runs');
  });

  it('does so with a call in flight, and keeps what that holds', async () => {
    const world = new LeasingWorld(100);
    const [holder] = await holders(world, 1);
    holder!.call({ worst: 30, ...LONG });
    const call = world.start().call({ worst: 70, ...LONG });
    await world.pass(2_000);
    expect(call.state).toBe('runs');
    expect(holder!.account.reserved).toBe(30);
    expect(world.leased).toBe(100);
  });

  it('takes nothing ahead of its need meanwhile', async () => {
    const world = new LeasingWorld(100);
    const process = world.start();
    world.start().call({ worst: 60, ...LONG });
    await world.pass(ROUND_TRIP_MS);
    const large = world.start().call({ worst: 45, ...LONG });
    await world.pass(60);
    for (let i = 0; i < 20; i += 1) {
      process.call({ worst: 2, share: 0, ms: 50 });
      await world.pass(100);
      expect(world.leased).toBeLessThanOrEqual(64); // two calls of it at most run at once
    }
    expect(large.state).toBe('waits');
    await world.pass(200);
    expect(process.calls.every(({ state }) => state === 'settled')).toBe(true);
  });
});

describe('headroom that nobody uses', () => {
  it('is given back after some seconds, although a call is in flight', async () => {
    const world = new LeasingWorld();
    const process = world.start();
    process.call({ worst: 20, ...LONG });
    await world.pass(100);
    expect(world.leased).toBeGreaterThan(20);
    await world.pass(11_000);
    expect(world.leased).toBe(20);
  });

  it('is given back at once where it is more than half of what nobody holds', async () => {
    const world = new LeasingWorld(100);
    world.start().call({ worst: 30, ...LONG });
    await world.pass(ROUND_TRIP_MS);
    const process = world.start();
    process.call({ worst: 60, share: 0, ms: 10 });
    await world.pass(1_200);
    expect(world.leased).toBe(30);
  });

  it('is kept at a pace that will use it, where nobody waits', async () => {
    const world = new LeasingWorld(200);
    const process = world.start();
    for (let i = 0; i < 60; i += 1) {
      process.call({ worst: 2, share: 1, ms: 50 });
      await world.pass(100);
    }
    // What is left shrinks, and so do the slices: still few calls had to ask first.
    const asked = process.calls.filter(({ arrivedAt, admittedAt }) => admittedAt! > arrivedAt);
    expect(asked.length).toBeLessThan(12);
    expect(process.network.sent.length).toBeLessThan(40);
  });
});
