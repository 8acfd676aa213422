/** A backend that can be killed: its handlers run in a process of their own, on a database that outlives it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createDatabase } from '@agentkavach/embedded/testing';
import { makeKey } from '@agentkavach/functions/_shared/keys';
import postgres from 'postgres';
import { seed } from '../../../embedded/src/host/seed.ts';

/** A database, a backend process on it, and a folder for buffers. */
export interface KillableBackend {
  /** Where it answers at present. */
  readonly url: string;
  readonly key: string;
  /** As the role `postgres`. */
  readonly sql: postgres.Sql;
  readonly folder: string;
  /** Times that {@link kill} has begun. */
  readonly kills: number;
  /** SIGKILL, and another process in its place, as soon as that has started. Never rejects. */
  kill(): void;
  /** Ends the connections between the backend and PostgreSQL, whatever they are doing. */
  cutDatabase(): void;
  /** When every restart that {@link kill} has begun is over. @throws where one failed */
  settled(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a program of this folder with tsx, and waits for its first line. */
export async function startProgram(
  file: string,
  env: Readonly<Record<string, string>>,
  errors: 'inherit' | 'ignore' = 'inherit',
): Promise<{ readonly child: ChildProcess; readonly line: () => Promise<string>; readonly ended: Promise<unknown> }> {
  const child = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), fileURLToPath(new URL(file, import.meta.url))],
    { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', errors] },
  );
  // What is written to one that was killed.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const { value } = (await lines.next()) as { value?: string };
    if (value === undefined)
      throw new Error(`${file} ended without a word (${child.exitCode ?? child.signalCode ?? '?'}).`);
    return value;
  };
  return { child, line, ended: once(child, 'exit') };
}

/** Starts one. */
export async function startKillableBackend(): Promise<KillableBackend> {
  const database = await createDatabase();
  const sql = postgres(database.url, { max: 2, onnotice: () => undefined });
  const admin = postgres(database.adminUrl, { max: 1, onnotice: () => undefined });
  const keys = { sdk: makeKey('dev'), operator: makeKey('dev') };
  await seed(sql, keys);
  const folder = mkdtempSync(join(tmpdir(), 'kavach-nothing-lost-'));
  const start = async () => {
    const program = await startProgram('nothing-lost-backend.ts', { DATABASE_URL: database.url });
    return { ...program, url: await program.line() };
  };
  let running = await start();
  let restarting: Promise<void> = Promise.resolve();
  let kills = 0;
  return {
    get url() {
      return running.url;
    },
    key: keys.sdk,
    sql,
    folder,
    get kills() {
      return kills;
    },
    kill: () => {
      kills += 1;
      running.child.kill('SIGKILL');
      restarting = restarting.then(async () => {
        running = await start();
      });
      restarting.catch(() => undefined);
    },
    cutDatabase: () => {
      const ended = admin`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'agentkavach'`;
      ended.catch(() => undefined);
    },
    settled: () => restarting,
    [Symbol.asyncDispose]: async () => {
      await restarting.catch(() => undefined);
      running.child.kill('SIGKILL');
      await running.ended;
      await Promise.all([sql.end(), admin.end()]);
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
