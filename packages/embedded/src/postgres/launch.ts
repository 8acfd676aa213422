/**
 * A real PostgreSQL on a folder, as a child of this process: made on the first start, taken over after a crash, started
 * again when somebody kills it.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { findBinaries } from './binaries.ts';
import { clusterIn, SUPERUSER } from './cluster-files.ts';
import type { DataFolder } from './data-folder.ts';
import { freePort } from './port.ts';
import { type PostmasterOptions, StartFailure, startPostmaster, stopOrphan, stopPostmaster } from './postmaster.ts';
import { stopwatch } from './stopwatch.ts';
import { enterable } from './run-as.ts';

/** What a start needs. */
export interface LaunchOptions {
  /** Where the database's files are, or will be. */
  readonly folder: DataFolder;
  /** The superuser's password: given to a new cluster, expected of an old one. */
  readonly password: string;
  /** Default: any free port of the loopback interface. */
  readonly port?: number;
  readonly settings?: Readonly<Record<string, string | number>>;
  readonly log?: (line: string) => void;
  /** Root only: where files go that the database's user could not reach in the folder. Default /var/lib/agentkavach. */
  readonly open?: string;
}

/** Who connects. */
export interface Role {
  readonly name: string;
  readonly password: string;
}

/** A running server. */
export interface Launched {
  readonly port: number;
  /** A role's address of a database, with the password: never log it. Default: the superuser's. */
  urlOf(database: string, role?: Role): string;
  /** The server's process. Another one after a crash. */
  readonly pid: number;
  /** Whether this start made the cluster. */
  readonly fresh: boolean;
  /** The process of an earlier owner's server that was stopped first. */
  readonly orphan: number | undefined;
  /** Milliseconds of each phase of the start. */
  readonly phases: Readonly<Record<string, number>>;
  /** Resolves when a killed server is back; at once while it runs. */
  running(): Promise<void>;
  /** Ends the server; the folder stays the caller's. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL.
 *
 * @throws PostgresError where it cannot run or start
 */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const phases = stopwatch();
  const { path, user } = options.folder;
  const { password, open } = options;
  const native = enterable(findBinaries(), user, open);
  const { cluster, fresh } = await clusterIn(path, { native, user, password, open });
  phases.lap('files');
  const orphan = fresh ? undefined : await stopOrphan(native, cluster, user);
  const settings = { ...DEFAULTS, ...options.settings };
  const start = async (fixed: number | undefined): Promise<Started> =>
    patiently(async () => {
      const at: PostmasterOptions = { native, cluster, user, settings, port: fixed ?? (await freePort()) };
      return { child: await startPostmaster(at), at };
    }, fixed === undefined);
  const first = await start(options.port);
  phases.lap('server');
  const { port } = first.at;
  const superuser: Role = { name: SUPERUSER, password };
  const server = supervise(first, () => start(port), options.log ?? (() => undefined));
  return {
    port,
    urlOf: (database, role = superuser) => `postgres://${role.name}:${role.password}@127.0.0.1:${port}/${database}`,
    get pid() {
      return server.pid();
    },
    fresh,
    orphan,
    phases: phases.laps,
    running: () => server.running(),
    stop: () => server.stop(),
  };
}

interface Started {
  readonly child: ChildProcess;
  readonly at: PostmasterOptions;
}

const DEFAULTS = {
  max_connections: 100,
  shared_buffers: '64MB',
  shared_preload_libraries: 'pg_stat_statements',
  // Else passwords of `alter role` would be kept there.
  'pg_stat_statements.track_utility': 'off',
  synchronous_commit: 'on',
} as const;

/** Starts again while the remains of a killed server go away, or another port has to be found: for ten seconds. */
async function patiently(start: () => Promise<Started>, otherPort: boolean): Promise<Started> {
  const deadline = Date.now() + 10_000;
  for (let pause = 50; ; pause = Math.min(pause * 2, 1_000)) {
    try {
      return await start();
    } catch (error) {
      const passing = error instanceof StartFailure && (error.again || (otherPort && error.portTaken));
      if (!passing || Date.now() > deadline) throw error;
    }
    await delay(pause);
  }
}

/** Keeps one server running until it is to stop. */
function supervise(first: Started, restart: () => Promise<Started>, log: (line: string) => void) {
  let { child } = first;
  let stopping = false;
  let running = Promise.resolve();
  // What ends without stop() must not leave a server behind.
  const onExit = (): void => void child.kill('SIGINT');
  process.on('exit', onExit);
  const watch = (): void => {
    child.once('exit', (code, signal) => {
      if (stopping) return;
      log(`PostgreSQL ended unexpectedly (${signal ?? `code ${code ?? '?'}`}); starting it again.`);
      running = restart().then(async (started) => {
        child = started.child;
        if (stopping) await stopPostmaster(child, first.at);
        else watch();
      });
      running.catch((error: unknown) => log(`PostgreSQL could not be started again: ${String(error)}`));
    });
  };
  watch();
  return {
    pid: () => child.pid ?? 0,
    running: () => running,
    stop: async (): Promise<void> => {
      stopping = true;
      await running.catch(() => undefined);
      await stopPostmaster(child, first.at);
      process.off('exit', onExit);
    },
  };
}
