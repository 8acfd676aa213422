import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import { LeaseDesk } from './budget/lease-desk.ts';
import { poolOf, type Pool } from './budget/pool.ts';
import { BudgetExceededError } from './errors.ts';
import { AgentKavach } from './kavach.ts';
import { FakeAuthority } from './testing/fake-authority.ts';
import { deferred, FakeClock, guardFixture, type GuardFixture } from './testing/index.ts';
import type { LeasesAnswer } from './wire/index.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** An API key without a backend's address: pooled budgets refuse where nobody lends to them. */
const KEYED = { apiKey: `ak_dev_${'a'.repeat(44)}` };
const TRIP_MS = 20;

let names = 0;

interface Leased extends GuardFixture {
  readonly pool: Pool;
  readonly desk: LeaseDesk;
  readonly network: { isDown: boolean; requests: number };
  readonly thresholds: number[];
}

/** Several processes, each with a guard, on one budget of a dollar. */
class Team {
  readonly clock = new FakeClock();
  readonly authority = new FakeAuthority(() => this.clock.now());

  constructor(usd = 1) {
    this.authority.declare('team', usd * 1e9, 'total');
  }

  /** A guard in a process of its own; its requests take 20 ms. */
  join(options: Parameters<typeof guardFixture>[0] = {}): Leased {
    const { authority, clock } = this;
    const budget = Budget.shared(`leased-${(names += 1)}`, { limit: 1, period: 'total' });
    const network = { isDown: false, requests: 0 };
    const leases: FakeAuthority['leases'] = (request) => {
      const { promise, resolve, reject } = deferred<LeasesAnswer>();
      network.requests += 1;
      setTimeout(() => {
        if (network.isDown) reject(new Error('no answer'));
        else resolve(authority.answer(request));
      }, TRIP_MS);
      return promise;
    };
    const terms = { agent: 'a', maxCallMs: 600_000, isLocalFallback: false };
    const desk = new LeaseDesk({ authority: { leases }, instance: `${names}`, clock, ...terms });
    const pool = poolOf(budget);
    desk.attach(pool);
    desk.open(pool, 'team');
    const fixture = guardFixture({ ...KEYED, ...options, budget }, { clock });
    const thresholds: number[] = [];
    fixture.guard.on('threshold', ({ threshold }) => thresholds.push(threshold));
    return { ...fixture, pool, desk, network, thresholds };
  }

  /** Lets time pass on the clock and the timers together, in small steps. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 10) {
      this.clock.advance(10);
      await vi.advanceTimersByTimeAsync(10);
    }
  }
}

/** A call's end without waiting for it. */
function watch(call: Promise<unknown>): { state: string; error?: unknown } {
  const seen: { state: string; error?: unknown } = { state: 'pending' };
  call.then(
    () => (seen.state = 'done'),
    (error: unknown) => Object.assign(seen, { state: 'refused', error }),
  );
  return seen;
}

describe('a guard on a leased budget', () => {
  it('admits its first call with the first answer, and later ones at once', async () => {
    const team = new Team();
    const { ask, provider } = team.join();
    const call = watch(ask({ maxOutputTokens: 10 }));
    expect(provider.requests).toBe(0);
    await team.pass(TRIP_MS);
    expect(provider.requests).toBe(1);
    ask({ inputTokens: 1, maxOutputTokens: 1 }).catch(() => undefined);
    expect(provider.requests).toBe(2);
    provider.pending[0]!.answer(100, 10);
    await team.pass(10);
    expect(call.state).toBe('done');
  });

  it('lowers no cap while there is money, wherever it is', async () => {
    const team = new Team();
    const { ask, provider } = team.join();
    ask({ maxOutputTokens: 800, canClampOutput: true }).catch(() => undefined);
    await team.pass(TRIP_MS);
    expect(provider.pending[0]!.grant.maxOutputTokens).toBe(800);
  });

  it('lowers the cap to all that is left', async () => {
    const team = new Team();
    const first = team.join();
    first.ask({ maxOutputTokens: 200 }).catch(() => undefined);
    await team.pass(TRIP_MS);
    const left = 1e9 - team.authority.window('team').leased;
    const second = team.join();
    second.ask({ maxOutputTokens: 900, canClampOutput: true }).catch(() => undefined);
    await team.pass(2 * TRIP_MS);
    expect(second.provider.pending[0]!.grant.maxOutputTokens).toBe(Math.floor(left / 1e6) - 100);
  });

  it('spends all of a budget down to the least answer, then refuses for want of room, once', async () => {
    const team = new Team(2);
    const { ask, provider, thresholds, guard } = team.join({ minOutputTokens: 16 });
    const states: string[] = [];
    for (let i = 0; i < 60; i += 1) {
      const call = watch(ask({ inputTokens: 10, canClampOutput: true }));
      await team.pass(3 * TRIP_MS);
      const request = provider.pending[0];
      request?.answer(10, request.grant.maxOutputTokens!);
      await team.pass(10);
      states.push(call.state);
    }
    expect(states.filter((state) => state === 'pending')).toEqual([]);
    expect(2e9 - guard.status().budgets[0]!.spent * 1e9).toBeLessThan(26e6);
    expect(thresholds).toEqual([0.7, 0.9, 1]);
  });

  it('refuses for want of a backend only when it is cut off, and that is no 100 % event', async () => {
    const team = new Team();
    const { ask, network, thresholds, guard } = team.join();
    network.isDown = true;
    const first = watch(ask({ maxOutputTokens: 10 }));
    await team.pass(TRIP_MS);
    expect(first).toMatchObject({ state: 'refused', error: { message: expect.stringContaining('not connected') } });
    await expect(ask({ maxOutputTokens: 10 })).rejects.toThrow('not connected');
    await expect(ask({ maxOutputTokens: 5_000 })).rejects.toThrow('not connected');
    expect(thresholds).toEqual([]);
    network.isDown = false;
    await team.pass(6_000);
    const later = watch(ask({ maxOutputTokens: 10 }));
    await team.pass(TRIP_MS);
    expect(later.state).toBe('pending');
    expect(guard.status()).toMatchObject({ killed: false, inFlight: 1 });
  });

  it('with waitMs 0 waits for the answer, and not for calls of other processes or its own', async () => {
    const team = new Team();
    const first = team.join();
    first.ask({ maxOutputTokens: 700 }).catch(() => undefined);
    await team.pass(TRIP_MS);
    const { ask, thresholds } = team.join({ waitMs: 0 });
    const call = watch(ask({ maxOutputTokens: 400 }));
    expect(call.state).toBe('pending');
    await team.pass(TRIP_MS);
    expect(call).toMatchObject({
      state: 'refused',
      error: { message: expect.stringContaining('held by other calls') },
    });
    expect(thresholds).toEqual([]);
  });

  it('with waitMs 0 does not wait behind a patient call', async () => {
    const team = new Team();
    const first = team.join();
    first.ask({ maxOutputTokens: 700 }).catch(() => undefined);
    await team.pass(TRIP_MS);
    const patient = team.join();
    const hasty = guardFixture({ ...KEYED, waitMs: 0, budget: patient.pool.budget }, { clock: team.clock });
    const waiting = watch(patient.ask({ maxOutputTokens: 400 }));
    const call = watch(hasty.ask({ maxOutputTokens: 400 }));
    await team.pass(TRIP_MS);
    expect([waiting.state, call.state]).toEqual(['pending', 'refused']);
  });

  it('names what other processes hold when it is refused after waitMs', async () => {
    const team = new Team();
    const first = team.join();
    first.ask({ maxOutputTokens: 700 }).catch(() => undefined);
    await team.pass(TRIP_MS);
    const { ask } = team.join({ waitMs: 1_000 });
    const call = watch(ask({ maxOutputTokens: 400 }));
    await team.pass(1_100);
    const error = call.error as BudgetExceededError;
    expect(error.message).toMatch(/had no room within waitMs: .*reserved \$0.*, held by other processes \$0\.80/);
    expect(error).toMatchObject({ limit: 1, spent: 0, reserved: 0, heldByOthers: 0.8 });
  });

  it.each([
    ['while it waits', 1_000],
    ['before it comes, and may not wait', 0],
  ])('names the backend that has become unreachable %s, although the slice is still good', async (_, waitMs) => {
    const team = new Team();
    const first = team.join();
    first.ask({ maxOutputTokens: 700 }).catch(() => undefined);
    await team.pass(TRIP_MS);
    const { ask, network, desk } = team.join({ waitMs });
    ask({ maxOutputTokens: 50 }).catch(() => undefined);
    await team.pass(TRIP_MS);
    network.isDown = true;
    if (waitMs === 0) desk.lost();
    const call = watch(ask({ maxOutputTokens: 200 }));
    await team.pass(1_100);
    const { message } = call.error as Error;
    expect(message).toContain('could get no more room, because its backend can not be reached');
    expect(message).not.toMatch(/waitMs|held by other calls|not connected/);
  });

  it('hears that less was spent than the authority believed when it was exhausted, and goes on', async () => {
    const team = new Team();
    // A process that has vanished for now: what it leased counts as spent until it comes back.
    const window = team.authority.window('team');
    Object.assign(window, { spent: 0.95e9, estimated: 0.95e9 });
    const { ask, network, guard } = team.join();
    const first = watch(ask({ inputTokens: 0, maxOutputTokens: 100 }));
    await team.pass(300);
    expect(first).toMatchObject({ state: 'refused', error: { message: expect.stringContaining('has no room') } });
    Object.assign(window, { spent: 0.2e9, estimated: 0 });
    const before = network.requests;
    for (let i = 0; i < 60; i += 1) {
      if (guard.status().killed) await expect(ask({ maxOutputTokens: 1 })).rejects.toThrow('has stopped the agent');
      await team.pass(100);
    }
    expect(network.requests - before).toBeLessThan(5);
    ask({ inputTokens: 0, maxOutputTokens: 100 }).catch(() => undefined);
    await team.pass(2 * TRIP_MS);
    expect(guard.status()).toMatchObject({ killed: false, inFlight: 1 });
  });

  it('tells the authority soon what it has stopped its agent for, once', async () => {
    const team = new Team();
    const { ask, provider, network } = team.join({ channels: [AgentKavach.channel('kill', { threshold: 0.5 })] });
    ask({ maxOutputTokens: 500 }).catch(() => undefined);
    await team.pass(100);
    provider.pending[0]!.answer(100, 450);
    await team.pass(10);
    await expect(ask({ maxOutputTokens: 1 })).rejects.toThrow('has stopped the agent');
    await team.pass(300);
    expect(team.authority.window('team').spent).toBe(0.55e9);
    const before = network.requests;
    await expect(ask({ maxOutputTokens: 1 })).rejects.toThrow('has stopped the agent');
    await team.pass(300);
    expect(network.requests).toBe(before);
  });

  it('is refused as too large where not even an unspent budget has it', async () => {
    const team = new Team();
    const { ask } = team.join();
    const call = watch(ask({ maxOutputTokens: 1_000 }));
    await team.pass(2 * TRIP_MS);
    expect(call).toMatchObject({ state: 'refused', error: { message: expect.stringContaining('can not hold') } });
  });

  it.each(['soft', 'observe'] as const)('under %s asks nobody, and tells what it holds and spends', async (mode) => {
    const team = new Team();
    const { ask, provider, desk } = team.join({ mode });
    const call = watch(ask({ maxOutputTokens: 300 }));
    expect(provider.requests).toBe(1);
    await team.pass(300);
    expect(team.authority.window('team').leased).toBeGreaterThanOrEqual(0.4e9);
    provider.pending[0]!.answer(100, 200);
    await team.pass(10);
    expect(call.state).toBe('done');
    const closed = desk.close();
    await team.pass(TRIP_MS);
    await closed;
    expect(team.authority.window('team')).toEqual({ spent: 0.3e9, leased: 0, estimated: 0 });
  });

  it('under soft refuses once others have spent all of it', async () => {
    const team = new Team();
    const first = team.join();
    const { ask, provider } = team.join({ mode: 'soft' });
    first.ask({ maxOutputTokens: 900 }).catch(() => undefined);
    await team.pass(TRIP_MS);
    first.provider.pending[0]!.answer(100, 900);
    await team.pass(11_000);
    ask({ maxOutputTokens: 1 }).catch(() => undefined);
    await team.pass(300);
    expect(provider.requests).toBe(1);
    await expect(ask({ maxOutputTokens: 1 })).rejects.toThrow(BudgetExceededError);
  });
});
