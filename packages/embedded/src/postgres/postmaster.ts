/** One PostgreSQL server process: started until it answers, and stopped; also one that another process left behind. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { program } from './binaries.ts';
import { PostgresError } from './errors.ts';
import { commandOf, isAlive } from './process-identity.ts';
import type { RunAs } from './run-as.ts';

/** How to run the server on a cluster's folder. */
export interface PostmasterOptions {
  readonly native: string;
  readonly cluster: string;
  readonly user: RunAs | undefined;
  readonly port: number;
  /** Parameters of the server, as in postgresql.conf. */
  readonly settings: Readonly<Record<string, string | number>>;
}

/** Lines that say why a start failed: those that may pass by waiting, and that the port is taken. */
const PASSING = /pre-existing shared memory block|lock file .* already exists|is still in use/;
const PORT_TAKEN = /could not bind|could not create any TCP\/IP sockets/;

/** A start that failed. `again`: the remains of a killed server are still going away. */
export class StartFailure extends PostgresError {
  readonly again: boolean;
  readonly portTaken: boolean;

  constructor(message: string, again: boolean, portTaken: boolean) {
    super(message);
    this.again = again;
    this.portTaken = portTaken;
  }
}

/** Starts the server; resolves when it accepts connections. */
export async function startPostmaster(options: PostmasterOptions): Promise<ChildProcess> {
  const settings = { ...FIXED, ...options.settings };
  const child = spawn(
    program(options.native, 'postgres'),
    [
      ...['-D', options.cluster, '-p', String(options.port)],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    // A group of its own: Ctrl-C in the terminal is for this process, which then stops the server after its last query.
    {
      ...options.user,
      cwd: options.cluster,
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    },
  );
  const lines: string[] = [];
  const ready = await new Promise<boolean>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      lines.push(text);
      if (lines.length > 50) lines.shift();
      if (text.includes('ready to accept connections')) resolve(true);
    });
    child.once('error', (error) => {
      lines.push(error.message);
      resolve(false);
    });
    child.once('close', () => resolve(false));
  });
  if (ready) return child;
  const said = lines.join('');
  throw new StartFailure(`PostgreSQL did not start: ${said.trim()}`, PASSING.test(said), PORT_TAKEN.test(said));
}

/** What never varies: loopback only, no socket file, nothing acknowledged before it is on the disk, no secrets in logs. */
const FIXED = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',
  log_min_error_statement: 'panic',
  lc_messages: 'C',
  timezone: 'UTC',
  log_timezone: 'UTC',
} as const;

/** PG* variables of the shell would change what the server does. */
export function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG$)/.test(name)));
}

/** Ends the server after the running queries' rollback; harder where it does not end. */
export async function stopPostmaster(child: ChildProcess, options: PostmasterOptions): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  if (process.platform === 'win32') {
    // Node's signals end a process on Windows on the spot.
    await promisify(execFile)(program(options.native, 'pg_ctl'), ['-D', options.cluster, 'stop', '-m', 'fast', '-w']);
  } else {
    child.kill('SIGINT');
    const harder = setTimeout(() => child.kill('SIGQUIT'), 10_000);
    await gone;
    clearTimeout(harder);
    return;
  }
  await gone;
}

/**
 * Stops a server that an earlier owner of the folder left running. The caller owns the folder's lock.
 *
 * @returns the server's process, if there was one.
 */
export async function stopOrphan(
  native: string,
  cluster: string,
  user: RunAs | undefined,
): Promise<number | undefined> {
  const file = join(cluster, 'postmaster.pid');
  const pid = firstLine(file);
  if (pid === undefined) return undefined;
  if (!isAlive(pid) || !isServerOf(pid, cluster)) {
    // The number belongs to nobody, or to somebody else by now. PostgreSQL checks the former by itself.
    if (isAlive(pid)) rmSync(file, { force: true });
    return undefined;
  }
  if (process.platform === 'win32') {
    await promisify(execFile)(program(native, 'pg_ctl'), ['-D', cluster, 'stop', '-m', 'fast', '-w'], { ...user });
    return pid;
  }
  process.kill(pid, 'SIGINT');
  const deadline = Date.now() + 15_000;
  // Not our child: nothing tells when it ends.
  while (isAlive(pid)) {
    if (Date.now() > deadline) {
      throw new PostgresError(
        `The PostgreSQL process ${pid} still works on ${cluster} and does not stop. End it, then start again.`,
      );
    }
    await delay(10);
  }
  return pid;
}

function isServerOf(pid: number, cluster: string): boolean {
  const command = commandOf(pid);
  return command === undefined || (command.includes('postgres') && command.includes(cluster));
}

function firstLine(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8').split('\n')[0]) || undefined;
  } catch {
    return undefined;
  }
}
