/** One chaos run: eight processes spend one shared budget while processes, database and network die under them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Stack } from '@agentkavach/embedded';
import { startSimulator } from '@agentkavach/simulator';
import { blowsOf, random, type AgentPlan } from './plan.ts';
import type { Wire } from './proxy.ts';

/** What a run needs. */
export interface World {
  readonly stack: Stack;
  readonly dataDir: string;
  /** The agents' way to the stack. */
  readonly wire: Wire;
  /** The compiled agent program. */
  readonly agent: string;
  /** Charges what the dead have leased, once nothing can be spent from it any more. */
  takeBack(): Promise<void>;
}

/** What came of a run, in dollars. */
export interface Outcome {
  readonly seed: number;
  readonly pool: string;
  readonly limit: number;
  /** By the provider's own ledger. */
  readonly billed: number;
  readonly requests: number;
  readonly killed: number;
  /** What processes that ended in peace still held. */
  readonly closed: readonly Closed[];
}

/** What a process said at its end. */
export interface Closed {
  readonly reserved: number;
  readonly inFlight: number;
  /** It ended because the budget refused it, not because it was told to. */
  readonly isRefused: boolean;
}

const AGENTS = 8;
const MAX_CALL_SECONDS = 1;

/** A blow falls although nothing is billed any more, after so long. */
const STANDSTILL_MS = 800;

/** Processes that the budget has not refused by then, after the last blow, are told to end. */
const PATIENCE_MS = 20_000;

/** How often is looked at what has come of it, and how often the leases of the dead. */
const LOOK_MS = 20;
const TAKE_BACK_MS = 250;

/** Runs one seed. The provider's bill is final when it returns; the ledger is once the leases of the dead are back. */
export async function runSeed(seed: number, { stack, dataDir, wire, agent, takeBack }: World): Promise<Outcome> {
  const next = random(seed);
  const limit = Math.round((0.08 + next() * 0.1) * 1e6) / 1e6;
  const pool = `chaos-${seed}-${process.pid}`;
  await using simulator = await startSimulator({
    seed,
    script: ({ n }) => ({
      tokens: 20 + ((n * 37 + seed) % 300),
      latencyMs: 5 + ((n * 13) % 40),
      chunkMs: 4,
      chunkTokens: 4,
      ...(n % 17 === 0 && { error: { status: 500 } }),
      ...(n % 23 === 0 && { omitUsage: true }),
    }),
  });
  const agents = new Set<ChildProcess>();
  const closed: Closed[] = [];
  let started = 0;
  const start = (): void => {
    const plan: AgentPlan = {
      seed: seed * 1_000 + (started += 1),
      agentName: `${pool}-${started % 4}`,
      lanes: 3,
      url: `http://127.0.0.1:${wire.port}`,
      apiKey: stack.keys.sdk,
      pool,
      limit,
      baseURL: simulator.baseURL('openai'),
      maxCallSeconds: MAX_CALL_SECONDS,
    };
    const child = spawn(process.execPath, [agent], {
      env: { ...process.env, CHAOS_PLAN: JSON.stringify(plan), AGENTKAVACH_BUFFER_DIR: join(dataDir, 'buffers') },
      stdio: ['pipe', 'pipe', process.env['CHAOS_SHOW'] === undefined ? 'ignore' : 'inherit'],
    });
    agents.add(child);
    let said = '';
    child.stdout?.on('data', (text: Buffer) => (said += text.toString()));
    child.once('close', () => {
      agents.delete(child);
      if (said !== '') closed.push(JSON.parse(said) as Closed);
    });
  };
  let killed = 0;
  const blows = {
    'kill agent': () => {
      const [victim] = agents;
      if (victim?.kill('SIGKILL') === true) killed += 1;
      if (victim !== undefined) agents.delete(victim); // the next blow is for another
      start();
    },
    'kill postgres': () => process.kill(postmasterOf(dataDir), 'SIGKILL'),
    'cut network': (forMs: number) => {
      wire.cut();
      mending = wait(forMs).then(() => wire.restore());
    },
  } as const;
  let mending = Promise.resolve();
  try {
    for (let n = 0; n < AGENTS; n++) start();
    // On a busy machine processes take long to start; the blows count from when they are at work.
    await simulator.started(AGENTS);
    for (const { at, kind, forMs } of blowsOf(seed)) {
      await until(() => simulator.ledger.totalNano() >= at * limit * 1e9, STANDSTILL_MS);
      blows[kind](forMs);
    }
    await mending;
    for (const began = Date.now(); agents.size > 0 && Date.now() - began < PATIENCE_MS;) {
      await takeBack();
      await until(() => agents.size === 0, TAKE_BACK_MS);
    }
  } finally {
    wire.restore();
    await endAll(agents);
  }
  await simulator.ledger.settled();
  return {
    seed,
    pool,
    limit,
    billed: simulator.ledger.totalNano() / 1e9,
    requests: simulator.ledger.entries.length,
    killed,
    closed,
  };
}

/** Waits for something, for so long at most. */
async function until(isTrue: () => boolean, ms: number): Promise<void> {
  for (const began = Date.now(); !isTrue() && Date.now() - began < ms;) await wait(LOOK_MS);
}

/** Asks all to close; who has not after some seconds is killed, like any other crash. */
async function endAll(agents: ReadonlySet<ChildProcess>): Promise<void> {
  await Promise.all(
    [...agents].map(async (child) => {
      const gone = once(child, 'close');
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await gone;
      clearTimeout(late);
    }),
  );
}

function postmasterOf(dataDir: string): number {
  return Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
}
