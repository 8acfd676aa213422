/**
 * A process with a guard, for tests that kill it: `URL`, `KEY`, and the numbers `FROM` to `TO`. Call n uses n input tokens
 * and costs n thousandths of a dollar. It says how far it is; with `END` it delivers all and ends, else it stays.
 */
import { setImmediate } from 'node:timers/promises';
import { AgentKavach, Budget } from '../../src/index.ts';

const { URL: url = '', KEY: apiKey = '', FROM: from = '', TO: to = '', END: end } = process.env;
const guard = new AgentKavach({
  agentName: 'worker',
  mode: 'soft',
  budget: Budget.daily(9_000_000),
  prices: { m: { inputPerMillion: 1_000, outputPerMillion: 0 } },
  ...{ url, apiKey },
});
for (let number = Number(from); number <= Number(to); number += 1) {
  await guard.call({ provider: 'p', model: 'm', inputTokens: number, maxOutputTokens: 1 }, () =>
    Promise.resolve({ value: undefined, usage: { inputTokens: number, outputTokens: 0 } }),
  );
  if (number % 100 === 0) console.info(number);
  // As a provider would: the disk and the network get their turn.
  await setImmediate();
}
console.info('made');
if (end === undefined) process.stdin.resume().once('end', () => process.exit());
else {
  do await guard.flush();
  while (guard.status().backend.pending > 0);
  await guard.close();
}
