/** The whole backend in this process: PostgreSQL, auth, realtime, functions and jobs, on one port of this machine. */
import { openDatabase } from '@agentkavach/functions/_shared/database';
import type postgres from 'postgres';
import { authApp } from '../auth/index.ts';
import { claimDataFolder } from '../postgres/data-folder.ts';
import { stopwatch } from '../postgres/stopwatch.ts';
import { startRealtime } from '../realtime/index.ts';
import { functionApps } from './functions.ts';
import { createOutbox } from './outbox.ts';
import { listenOn } from './port.ts';
import { prepareDatabase } from './prepared-database.ts';
import { notReady, routes } from './routes.ts';
import { startScheduler } from './scheduler.ts';
import { type Secrets, secretsIn } from './secrets.ts';
import { type Teardown, teardown } from './teardown.ts';

/** Where and how to run. */
export interface StackOptions {
  /** Keeps the database and the secrets. Made where it is missing; one process at a time. */
  readonly dataDir: string;
  /** Of the loopback interface. Default: any free one. */
  readonly port?: number;
  /** Takes lines for people: what happens, and the mails with their codes. Default: nothing. */
  readonly log?: (line: string) => void;
  /** Ends a start that is under way; what was started is stopped again. */
  readonly signal?: AbortSignal;
}

/** A running backend. Its keys and addresses are secrets of this install. */
export interface Stack {
  /** `http://127.0.0.1:<port>`: what supabase-js calls the project's URL. */
  readonly url: string;
  /** The project's public API key, and the one that row level security does not bind. */
  readonly anonKey: string;
  readonly serviceKey: string;
  /** API keys of the organisation: for the SDK, and for operators (read, control, admin). */
  readonly keys: { readonly sdk: string; readonly operator: string };
  /** The database as the role `postgres`, and as the superuser. */
  readonly databaseUrl: string;
  readonly adminUrl: string;
  /** The id of the organisation `local`. */
  readonly organisation: string;
  /** Milliseconds of each phase of the start. */
  readonly phases: Readonly<Record<string, number>>;
  /** Ends everything; afterwards nothing keeps the process alive. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts the backend: 2 to 4 seconds the first time, less than one later.
 *
 * @throws DataFolderInUseError while another process owns the folder; PostgresError, MigrationError
 * @example
 * await using stack = await startStack({ dataDir: '.kavach', port: 54321, log: console.info });
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const undo = teardown();
  try {
    return await start(options, undo);
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function start(options: StackOptions, undo: Teardown): Promise<Stack> {
  const { port = 0, log = () => undefined, signal } = options;
  const time = stopwatch();
  const phase = (name: string): void => {
    time.lap(name);
    signal?.throwIfAborted();
  };
  const folder = claimDataFolder(options.dataDir);
  undo.add(async () => folder.release());
  const { server, url, close } = await listenOn(port);
  undo.add(close);
  folder.answerAt(url);
  const secrets = await secretsIn(folder.path);
  phase('secrets');

  const prepared = await prepareDatabase({ folder, secrets, log, phase, undo });
  const { admin, adminUrl, owner, ownerUrl, organisation } = prepared;

  const database = openDatabase(ownerUrl, { max: 8 });
  undo.add(() => database.end());
  const outbox = createOutbox(log);
  const report =
    (part: string) =>
    (error: unknown): void =>
      log(`${part}: ${error instanceof Error ? error.message : 'unknown error'}`);
  const realtime = await startRealtime({
    databaseUrl: adminUrl,
    server,
    report: report('Realtime'),
    ...tokens(secrets),
  });
  undo.add(() => realtime.stop());
  const { anonKey, serviceKey, jwtSecret, keys } = secrets;
  const settings = { supabaseUrl: url, anonKey, jwtSecret };
  const listener = routes({
    functions: functionApps({ database, settings, fetch: (...request) => fetch(...request), now: () => Date.now() }),
    auth: authApp({
      sql: admin,
      jwtSecret,
      siteUrl: url,
      sendMail: (mail) => outbox.send(mail),
      report: report('Auth'),
    }),
    realtime,
    outbox: outbox.app,
    isHealthy: async () =>
      admin`select`.then(
        () => true,
        () => false,
      ),
  });
  server.off('request', notReady).on('request', listener);
  // At the end nothing new comes in while the parts behind it stop.
  undo.add(async () => void server.off('request', listener).on('request', notReady));
  const scheduler = startScheduler({ log, jobs: jobs(owner, admin) });
  undo.add(() => scheduler.stop());
  phase('host');

  const stop = (): Promise<void> => undo.run();
  return {
    ...{ url, anonKey, serviceKey, keys, databaseUrl: ownerUrl, adminUrl, organisation },
    phases: time.laps,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function tokens({ jwtSecret, anonKey, serviceKey }: Secrets): { jwtSecret: string; apiKeys: Record<string, string> } {
  return { jwtSecret, apiKeys: { sb_publishable_local: anonKey, sb_secret_local: serviceKey } };
}

function jobs(owner: postgres.Sql, admin: postgres.Sql): Readonly<Record<string, () => Promise<unknown>>> {
  return {
    'private.run_jobs()': () => owner`select private.run_jobs()`.then(),
    // The platform drops a day's partition after three days.
    'old Realtime messages': () =>
      admin`delete from realtime.messages where inserted_at < now() - interval '3 days'`.then(),
  };
}
