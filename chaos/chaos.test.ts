import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judge } from './invariants.ts';
import { runSeed } from './run.ts';
import { openWorld, type ChaosWorld } from './world.ts';

// The short set; `npm run chaos` is the long one.
const SEEDS = [2, 3, 4];

describe('eight processes on one shared budget, while processes, database and network die', () => {
  let world: ChaosWorld;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('never spend more than the limit, and the ledger is right afterwards', { timeout: 240_000 }, async () => {
    const outcomes = [];
    for (const seed of SEEDS) outcomes.push(await runSeed(seed, world));
    const ledgers = await world.settle(outcomes);
    for (const outcome of outcomes) {
      expect(outcome.requests).toBeGreaterThan(10);
      const ledger = ledgers.get(outcome.pool);
      expect(ledger, outcome.pool).toBeDefined();
      expect({ ...judge(outcome, ledger!), outcome, ledger }).toMatchObject({ I1: true, I2: true, I3: true, I4: true });
    }
    // The limit was really approached: what the dead had leased counts as spent, and who lived used the rest.
    const used = outcomes.map(({ pool, limit, closed }) =>
      closed.every(({ isRefused }) => isRefused) ? (ledgers.get(pool)?.spent ?? 0) / limit : 0,
    );
    expect(Math.max(...used)).toBeGreaterThan(0.9);
  });
});
