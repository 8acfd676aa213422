/** `npm run chaos`: seeded runs in which processes, database and network die, and the invariants that held. */
import { parseArgs } from 'node:util';
import { judge } from './invariants.ts';
import { runSeed, type Outcome } from './run.ts';
import { openWorld } from './world.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' } },
});
const runs = Number(values.runs);
const first = Number(values.seed);
if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(first)) {
  console.error('Use: npm run chaos, or npm run chaos -- --runs 5 --seed 12');
  process.exit(2);
}

await using world = await openWorld();
const outcomes: Outcome[] = [];
for (let seed = first; seed < first + runs; seed++) {
  const outcome = await runSeed(seed, world);
  outcomes.push(outcome);
  const { limit, billed, requests, killed } = outcome;
  console.log(
    `seed ${String(seed).padStart(3)}  limit ${usd(limit)}  billed ${usd(billed)} (${((billed / limit) * 100).toFixed(1)} %)  ${requests} requests, ${killed} processes killed`,
  );
}

const ledgers = await world.settle(outcomes);
const kept = { I1: 0, I2: 0, I3: 0, I4: 0 };
for (const outcome of outcomes) {
  const ledger = ledgers.get(outcome.pool);
  if (ledger === undefined) continue;
  const verdict = judge(outcome, ledger);
  const broken = (Object.keys(kept) as (keyof typeof kept)[]).filter((name) => {
    if (verdict[name]) kept[name] += 1;
    return !verdict[name];
  });
  if (broken.length > 0) console.error(`seed ${outcome.seed}: ${broken.join(', ')} broken`, outcome, ledger);
}
console.log(`
I1  provider's bill within the limit            ${kept.I1} of ${runs}
I2  every reservation ended once                ${kept.I2} of ${runs}
I3  nothing stays reserved                      ${kept.I3} of ${runs}
I4  ledger = bill, or more by what is estimated ${kept.I4} of ${runs}`);
process.exitCode = Object.values(kept).every((count) => count === runs) ? 0 : 1;

function usd(amount: number): string {
  return `$${amount.toFixed(6)}`;
}
