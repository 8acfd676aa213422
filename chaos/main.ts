/** `npm run chaos`: seeded runs in which processes, database and network die, and the invariants that held. */
import { parseArgs } from 'node:util';
import { judge } from './invariants.ts';
import { runSeed } from './run.ts';
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
const kept = { I1: 0, I2: 0, I3: 0, I4: 0 };
let refused = 0;
console.log('            limit     billed      + charged without a bill = of the limit');
for (let seed = first; seed < first + runs; seed++) {
  const outcome = await runSeed(seed, world);
  const ledger = (await world.settle([outcome])).get(outcome.pool);
  const { limit, billed, requests, killed, closed } = outcome;
  const spent = ledger?.spent ?? 0;
  const ended = closed.filter(({ isRefused }) => isRefused).length;
  if (ended === closed.length) refused += 1;
  console.log(
    `seed ${String(seed).padStart(3)}  $${limit.toFixed(6)}  ${percent(billed / limit)} + ${percent((spent - billed) / limit)} = ${percent(spent / limit)}  ` +
      `${requests} requests, ${killed} processes killed, ${ended} of ${closed.length} others ended by the budget`,
  );
  if (ledger === undefined) continue;
  const verdict = judge(outcome, ledger);
  const broken = (Object.keys(kept) as (keyof typeof kept)[]).filter((name) => {
    if (verdict[name]) kept[name] += 1;
    return !verdict[name];
  });
  if (broken.length > 0) console.error(`seed ${seed}: ${broken.join(', ')} broken`, outcome, ledger);
}
console.log(`
I1  provider's bill within the limit            ${kept.I1} of ${runs}
I2  every reservation ended once                ${kept.I2} of ${runs}
I3  nothing stays reserved                      ${kept.I3} of ${runs}
I4  ledger = bill, or more by what is estimated ${kept.I4} of ${runs}
    all who lived were ended by the budget      ${refused} of ${runs}`);
process.exitCode = Object.values(kept).every((count) => count === runs) ? 0 : 1;

function percent(share: number): string {
  return `${(share * 100).toFixed(1).padStart(5)} %`;
}
