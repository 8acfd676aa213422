/** A process with a guarded call in flight, again and again, and beside it a bare listener: it says when each of them hears. */
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import postgres from 'postgres';
import { say } from './programs.ts';

const { URL: url = '', KEY: apiKey = '', DATABASE_URL: database = '', PROVIDER: provider = '' } = process.env;
/** One clock for all processes of a machine. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;

const sql = postgres(database, { max: 1, onnotice: () => undefined });
await sql.listen('bench', () => say({ what: 'notified', at: now() }));

const guard = new AgentKavach({
  agentName: 'victim',
  budget: Budget.daily(1_000),
  prices: { m: { inputPerMillion: 1, outputPerMillion: 1 } },
  url,
  apiKey,
});
let isOver = false;
process.stdin.resume().once('end', () => {
  isOver = true;
  guard.kill();
});

let last = '';
while (!isOver) {
  try {
    await guard.call({ provider: 'p', model: 'm', inputTokens: 10, maxOutputTokens: 10 }, async ({ signal }) => {
      // It is never answered: it ends by its signal.
      await fetch(provider, { signal }).catch((error: unknown) => {
        say({ what: 'aborted', at: now() });
        throw error;
      });
      return { value: undefined };
    });
  } catch (error) {
    const code = findKavachError(error)?.code ?? String(error);
    if (code !== 'KAVACH_KILLED' && code !== last) console.error(`victim: ${code}`);
    last = code;
    // Until it is resumed.
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
await sql.end();
await guard.close();
process.exit();
