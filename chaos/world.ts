/** The world of chaos runs: one embedded backend with short leases, a wire to it, and the agent program, compiled once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startStack } from '@agentkavach/embedded';
import { build } from 'esbuild';
import postgres from 'postgres';
import { wireTo } from './proxy.ts';
import type { Outcome, World } from './run.ts';

/** Seconds of a lease in these runs: short, so that those of the dead come back within the run's patience. */
const LEASE_SECONDS = 2;
const MARGIN_SECONDS = 0.5;

/** What the database says of a run's budget, in dollars. */
export interface Ledger {
  readonly spent: number;
  readonly leased: number;
  readonly estimated: number;
  readonly openLeases: number;
  /** Dollars of calls whose cost nobody could know, by the events. */
  readonly estimatedCalls: number;
}

/** A world and what it knows. */
export interface ChaosWorld extends World {
  /** Waits until every lease of the runs has ended, and reads the ledgers. */
  settle(outcomes: readonly Outcome[]): Promise<ReadonlyMap<string, Ledger>>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function openLeases(sql: postgres.Sql, pools: readonly string[]): Promise<number | undefined> {
  await sql`select private.expire_leases()`;
  const [open] = await sql<{ count: number }[]>`
    select count(*)::int as count from kavach.leases l join kavach.budgets b on b.id = l.budget_id
    where b.name = any(${[...pools]}) and l.state = 'open'`;
  return open?.count;
}

/** Starts it. */
export async function openWorld(): Promise<ChaosWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'kavach-chaos-'));
  const dataDir = join(folder, 'data');
  const stack = await startStack({ dataDir });
  const wire = await wireTo(Number(new URL(stack.url).port));
  const agent = join(folder, 'agent.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('agent.ts', import.meta.url))],
    outfile: agent,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    external: ['gpt-tokenizer'],
  });
  const sql = postgres(stack.adminUrl, { max: 2, onnotice: () => undefined });
  await sql.unsafe(`alter database postgres set kavach.lease_seconds = '${LEASE_SECONDS}'`);
  await sql.unsafe(`alter database postgres set kavach.lease_margin_seconds = '${MARGIN_SECONDS}'`);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'agentkavach'`;
  return {
    stack,
    dataDir,
    wire,
    agent,
    takeBack: async () => {
      // A database that was killed is recovering.
      await sql`select private.expire_leases()`.catch(() => undefined);
    },
    settle: async (outcomes) => {
      const pools = outcomes.map(({ pool }) => pool);
      for (const began = Date.now(); Date.now() - began < 60_000;) {
        // A database that was killed in the last run may still be recovering.
        const open = await openLeases(sql, pools).catch(() => undefined);
        if (open === 0) break;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      const rows = await sql<(Ledger & { name: string })[]>`
        select b.name, w.spent::float8 as spent, w.leased::float8 as leased, w.estimated::float8 as estimated,
          (select count(*)::int from kavach.leases l where l.budget_id = b.id and l.state = 'open') as "openLeases",
          (select coalesce(sum(e.cost), 0)::float8 from kavach.events e join kavach.agents a on a.id = e.agent_id
           where e.estimated and starts_with(a.name, b.name || '-')) as "estimatedCalls"
        from kavach.budgets b join kavach.budget_windows w on w.budget_id = b.id where b.name = any(${pools})`;
      return new Map(rows.map(({ name, ...ledger }) => [name, ledger]));
    },
    [Symbol.asyncDispose]: async () => {
      await sql.end({ timeout: 1 });
      await wire.close();
      await stack.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
