/** The demo's second part: a backend, three processes on one budget, and a Stop that reaches the one it is meant for. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startStack, type Stack } from '@agentkavach/embedded';
import { startSimulator, type Simulator } from '@agentkavach/simulator';
import { bar, colour, dollars } from './screen.ts';
import type { Told } from './worker.ts';

const LIMIT = 0.1;
const AGENTS = ['writer-1', 'writer-2', 'writer-3'] as const;
const VICTIM = 'writer-2';

/** The share of the budget at which somebody presses Stop. */
const STOP_AT = 0.4;

interface Budget {
  readonly name: string;
  readonly spent: number;
  readonly leased: number;
}

/** Runs it. @returns whether every figure agrees */
export async function teamDemo(): Promise<boolean> {
  const dataDir = mkdtempSync(join(tmpdir(), 'kavach-demo-'));
  const began = performance.now();
  const stack = await startStack({ dataDir });
  console.log(
    `  backend ready at ${stack.url} after ${((performance.now() - began) / 1000).toFixed(1)} s: PostgreSQL, realtime and functions in this process\n`,
  );
  const simulator = await startSimulator({
    script: ({ n }) => ({ tokens: 150 + ((n * 31) % 120), chunkTokens: 5, chunkMs: 15 }),
  });
  try {
    return await run(stack, simulator);
  } finally {
    await simulator.close();
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function run(stack: Stack, simulator: Simulator): Promise<boolean> {
  let spent = 0;
  let exact = 0;
  let calls = 0;
  let pressedAt: number | undefined;
  let aborted: { inFlight: number; ms: number } | undefined;
  const codes = new Map<string, string>();
  const hear = (agent: string, told: Told): void => {
    if (told.type === 'call') {
      calls += 1;
      spent += told.usd;
      if (!told.estimated) exact += told.usd;
      console.log(
        `  ${agent}  ${dollars(told.usd)}${told.estimated ? ' (estimated)' : '            '}  ${bar(spent / LIMIT)} ${dollars(spent)} of ${dollars(LIMIT)}`,
      );
      if (pressedAt === undefined && spent >= LIMIT * STOP_AT) {
        pressedAt = Date.now();
        void operate(stack, 'POST', `agents/${VICTIM}/kill`);
        console.log(colour('red', `\n  STOP is pressed for ${VICTIM}, as npx agentkavach kill does it\n`));
      }
    } else if (told.type === 'aborted') {
      aborted = { inFlight: told.inFlight, ms: told.at - (pressedAt ?? told.at) };
      console.log(
        colour(
          'red',
          `  ${agent}: ${told.inFlight} ${told.inFlight === 1 ? 'call' : 'calls'} in flight aborted, ${aborted.ms} ms after the request left`,
        ),
      );
    } else if (told.type === 'stopped') {
      codes.set(agent, told.code);
      console.log(colour('yellow', `  ${agent} ended: ${told.code}`));
    }
  };
  await Promise.all(AGENTS.map((agent) => worker(agent, stack, simulator, (told) => hear(agent, told))));
  await simulator.ledger.settled();

  const { items } = await operate<{ items: readonly Budget[] }>(stack, 'GET', 'budgets');
  const team = items.find(({ name }) => name === 'team');
  const all = simulator.ledger.totalNano() / 1e9;
  const completed = simulator.ledger.totalNano({ outcome: 'completed' }) / 1e9;
  const inDatabase = team?.spent ?? Number.NaN;
  console.log(`\n  limit                                  ${dollars(LIMIT)}   for all three processes together`);
  console.log(
    `  spent, by the database                 ${dollars(inDatabase)}   in ${calls} calls; still leased: ${dollars(team?.leased ?? Number.NaN)}`,
  );
  console.log(
    `  provider's bill                        ${dollars(all)}   for ${simulator.ledger.entries.length} requests, by the simulator's own ledger`,
  );
  console.log(`  calls that ended, guard and provider   ${dollars(exact)} = ${dollars(completed)}`);
  console.log(
    `  aborted calls, guard and provider      ${dollars(spent - exact)} ≥ ${dollars(all - completed)}   (what a provider bills for those, only its invoice tells)`,
  );

  const same = (a: number, b: number): boolean => Math.round(a * 1e9) === Math.round(b * 1e9);
  const othersWentOn = AGENTS.every(
    (agent) => codes.get(agent) === (agent === VICTIM ? 'KAVACH_KILLED' : 'KAVACH_BUDGET_EXCEEDED'),
  );
  return (
    same(inDatabase, spent) && same(exact, completed) && inDatabase <= LIMIT && all <= inDatabase &&
    team?.leased === 0 && othersWentOn && aborted !== undefined && aborted.inFlight > 0
  ); // prettier-ignore
}

/** One process, until it ends by itself. */
async function worker(agent: string, stack: Stack, simulator: Simulator, hear: (told: Told) => void): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('worker.ts', import.meta.url))], {
    env: {
      ...process.env,
      AGENTKAVACH_URL: stack.url,
      AGENTKAVACH_API_KEY: stack.keys.sdk,
      AGENTKAVACH_AGENT_NAME: agent,
      DEMO_BASE_URL: simulator.baseURL('openai'),
      DEMO_LIMIT: String(LIMIT),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const end = (): void => void child.kill();
  process.once('exit', end);
  for await (const line of createInterface({ input: child.stdout })) hear(JSON.parse(line) as Told);
  process.off('exit', end);
}

/** What an operator does, by the HTTP API. */
async function operate<T>(stack: Stack, method: string, path: string): Promise<T> {
  const response = await fetch(`${stack.url}/functions/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${stack.keys.operator}` },
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return (await response.json()) as T;
}
