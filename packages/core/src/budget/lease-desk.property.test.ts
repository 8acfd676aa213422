import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Journey } from '../testing/fake-network.ts';
import { MAX_CALL_MS, MAX_DELAY_MS, Simulation, type Rules, type Step } from '../testing/lease-simulation.ts';
import { SHARED } from '../testing/leasing-process.ts';
import type { Skew } from '../testing/timeline.ts';

/** Runs of each property; more where somebody looks for rare traces. */
const RUNS = Number(process.env['RUNS'] ?? 500);

const which = fc.nat(100);
const share = fc.oneof(
  fc.constant(1),
  fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
);

const journey: fc.Arbitrary<Journey> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ there: fc.nat(60), back: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ there: fc.nat(4_000), back: fc.nat(4_000) }) },
  { weight: 1, arbitrary: fc.record({ there: fc.nat(MAX_DELAY_MS), back: fc.nat(MAX_DELAY_MS) }) },
  { weight: 1, arbitrary: fc.constant({ isRequestLost: true }) },
  { weight: 1, arbitrary: fc.record({ there: fc.nat(9_000), isAnswerLost: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.record({ there: fc.nat(9_000), isCut: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.record({ there: fc.nat(100), back: fc.nat(100), again: fc.nat(MAX_DELAY_MS) }) },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.oneof(fc.nat(400), fc.nat(5_000), fc.nat(25_000)),
    }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      which,
      worst: fc.integer({ min: 1, max: 400 }),
      least: fc.integer({ min: 1, max: 400 }),
      share,
      ms: fc.oneof(fc.nat(300), fc.nat(MAX_CALL_MS)),
      waitMs: fc.constantFrom(0, 2_000, 30_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('charge' as const), which, amount: fc.integer({ min: 1, max: 120 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('start' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('network' as const),
      which,
      journeys: fc.array(journey, { minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('down' as const), ms: fc.nat(60_000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sleep' as const), which, ms: fc.nat(120_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('jump' as const), which, ms: fc.integer({ min: -90_000, max: 90_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('limit' as const),
      factor: fc.double({ min: 0.5, max: 2, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), which }) },
);
const skew: fc.Arbitrary<Skew> = fc.record({
  offset: fc.integer({ min: -5_000, max: 5_000 }),
  drift: fc.double({ min: -0.01, max: 0.01, noNaN: true }),
});

const worlds = fc.record({
  skews: fc.array(skew, { minLength: 1, maxLength: 3 }),
  steps: fc.array(step, { minLength: 10, maxLength: 60 }),
});

const NOON = Date.UTC(2026, 0, 5, 12);
const TOTAL: Rules = { period: 'total', start: NOON, isStrict: false };
/** Charges and changed limits aside, not even the authority's own figures may ever pass the limit. */
const STRICT: Rules = { period: 'total', start: NOON, isStrict: true };
/** The window ends half a minute after the start. */
const HOURLY: Rules = { period: 'hourly', start: NOON - 30_000, isStrict: true };

async function simulate(rules: Rules, { skews, steps }: { skews: Skew[]; steps: Step[] }): Promise<Simulation> {
  const simulation = new Simulation(rules, skews);
  for (const each of steps) await simulation.run(each);
  await simulation.heal();
  simulation.check();
  return simulation;
}

/** After enough time nothing is leased, and the authority knows what was spent. */
function expectAccounts({ authority, truth, processes }: Simulation): void {
  for (const process of processes)
    if (process.isAlive) for (const account of process.pool.allAccounts()) expect(account.reserved).toBe(0);
  for (const [start, { spent, leased, estimated }] of authority.windows(SHARED)) {
    const key = start ?? Number.NEGATIVE_INFINITY;
    const real = (truth.billed.get(key) ?? 0) + (truth.charged.get(key) ?? 0);
    expect(leased).toBe(0);
    expect(spent - estimated).toBeLessThanOrEqual(real);
    expect(spent + (truth.unknowable.get(key) ?? 0)).toBeGreaterThanOrEqual(real);
    if (processes.every(({ isAlive }) => isAlive)) expect({ spent, estimated }).toEqual({ spent: real, estimated: 0 });
  }
}

/** Processes that are left alone give back what they lease; nobody has to close them. */
function expectIdle({ authority }: Simulation): void {
  expect([...authority.leaseRows.values()].filter(({ state }) => state === 'open')).toEqual([]);
}

/** What nobody leases any more, one process can spend to the last call that fits. */
async function expectAllUsable(simulation: Simulation): Promise<void> {
  const { authority, timeline } = simulation;
  const least = 7;
  simulation.start({});
  const process = simulation.processes.at(-1)!;
  for (let tries = 0; tries < 60; tries += 1) {
    const call = process.call({ worst: 300, least, share: 1, ms: 10 });
    await timeline.pass(1_000);
    if (call.state === 'no room') break;
    if (call.state !== 'settled') expect(call.state).toBe('settled');
  }
  const { limit } = simulation;
  expect(limit - authority.window(SHARED).spent).toBeLessThan(least);
}

function property(rules: Rules, prove: (simulation: Simulation) => Promise<void> | void): () => Promise<void> {
  return () =>
    fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const simulation = await simulate(rules, world);
        expectAccounts(simulation);
        expectIdle(simulation);
        await prove(simulation);
      }),
      { numRuns: RUNS },
    );
}

describe('processes that share a budget', () => {
  it(
    'never spend more than its limit, lose no spend, and leave nothing leased',
    property(TOTAL, () => undefined),
  );

  it('can spend all of it, to the last call that fits', property(STRICT, expectAllUsable));

  it(
    'do so window by window',
    property(HOURLY, () => undefined),
  );
});
