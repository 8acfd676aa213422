/**
 * `npm run demo`: an agent that would spend for ever, on a budget of five cents; then three processes that share a budget,
 * with a backend, and a Stop for one of them. `-- --live` runs the first part on a real provider.
 */
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { runawayAgent } from './agent.ts';
import { LIVE_VARIABLES, liveModel, simulatedModel } from './providers.ts';
import { callLine, colour, dollars } from './screen.ts';
import { teamDemo } from './team.ts';

const LIMIT = 0.05;

const args = process.argv.slice(2);
const unknown = args.find((arg) => arg !== '--live');
if (unknown !== undefined) fail(`Unknown argument ${unknown}. Use: npm run demo, or npm run demo -- --live`);
const demo = args.includes('--live') ? liveModel() : await simulatedModel();
if (demo === undefined) fail(`--live needs a provider's key in one of: ${LIVE_VARIABLES.join(', ')}.`);

const guard = new AgentKavach({
  agentName: 'runaway-researcher',
  budget: Budget.total(LIMIT),
  guardrails: { maxRuntimeSeconds: 300 },
  onKill: (reason) => console.log(colour('red', `\n  STOPPED: onKill('${reason}')`)),
});
let calls = 0;
let passed = '';
guard.on('threshold', ({ threshold }) => {
  if (threshold < 1) passed = colour('yellow', `  ${threshold * 100} % of the budget is spent`);
});
guard.on('spend', (event) => {
  console.log(callLine(++calls, event, guard.status().budgets[0]?.spent ?? 0, LIMIT) + passed);
  passed = '';
});

console.log(colour('bold', `\nAn agent that never stops by itself, on a budget of ${dollars(LIMIT)}\n`));
console.log(`  model   ${demo.name}`);
console.log(`  guard   wrapLanguageModel({ model, middleware: kavach(guard) })\n`);

let stopped;
try {
  await runawayAgent(demo.model, guard).generate({ prompt: 'What caused the outage?' });
} catch (error) {
  stopped = findKavachError(error);
  if (stopped === undefined) {
    await demo.simulator?.close();
    throw error;
  }
}
await guard.close();

const { spent = 0, limit = 0 } = guard.status().budgets[0] ?? {};
console.log(`\n  ${stopped?.code ?? 'The agent ended by itself'}: ${stopped?.message ?? ''}\n`);
console.log(`  limit             ${dollars(limit)}`);
console.log(`  spent             ${dollars(spent)}   in ${calls} calls`);
let isRight = stopped !== undefined && spent <= limit;
if (demo.simulator !== undefined) {
  await demo.simulator.ledger.settled();
  const { entries } = demo.simulator.ledger;
  const billed = demo.simulator.ledger.totalNano() / 1e9;
  console.log(`  provider's bill   ${dollars(billed)}   for ${entries.length} requests, by the simulator's own ledger`);
  isRight &&= Math.round(billed * 1e9) === Math.round(spent * 1e9) && entries.length === calls;
  await demo.simulator.close();
}
console.log(
  isRight
    ? colour('green', '\n  The refused call never left this process, and the bill is within the limit.\n')
    : colour('red', '\n  The figures do not agree: this is a bug.\n'),
);

if (demo.simulator !== undefined) {
  console.log(colour('bold', 'Three processes on one budget of ten cents, and a Stop button\n'));
  const isTeamRight = await teamDemo();
  console.log(
    isTeamRight
      ? colour(
          'green',
          '\n  One process was stopped in mid-call, the others went on, and all three together stayed within the limit.\n',
        )
      : colour('red', '\n  The figures do not agree: this is a bug.\n'),
  );
  isRight &&= isTeamRight;
}
process.exitCode = isRight ? 0 : 1;

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}
