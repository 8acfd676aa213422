/** Says whether the process that left a lock file behind still lives, so that its files can be taken over. */
import { readFileSync, readlinkSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Who holds something. */
export interface Holder {
  /** 0: nobody, it was given back. */
  readonly pid: number;
  /** When the process started, in the system's own ticks; '' where the system does not say. */
  readonly started: string;
  /** The boot and process namespace, else the host, in which the pid means something. */
  readonly place: string;
}

/** A living holder touches its lock so often. */
export const TOUCH_MS = 30_000;
/** A holder in another container or on another host is gone after so long without a touch. */
const SILENT_MS = 120_000;
const MAX_LOCK_BYTES = 4_096;

let self: Holder | undefined;

/** This process as a holder. */
export function thisProcess(): Holder {
  self ??= { pid: process.pid, started: statOf(process.pid)?.started ?? '', place: placeOfThisProcess() };
  return self;
}

/** Writes a lock file in one step. @throws what the file system throws */
export function writeHolder(path: string, holder: Holder = thisProcess()): void {
  const temporary = `${path}.${process.pid}.new`;
  writeFileSync(temporary, JSON.stringify(holder), { mode: 0o600 });
  renameSync(temporary, path);
}

/** What a lock file says; `undefined` where there is none that can be read. */
export function readHolder(path: string): Holder | undefined {
  try {
    if (statSync(path).size > MAX_LOCK_BYTES) return undefined;
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { pid, started, place } = value as Readonly<Record<string, unknown>>;
    if (typeof pid !== 'number' || typeof started !== 'string' || typeof place !== 'string') return undefined;
    return { pid, started, place };
  } catch {
    return undefined;
  }
}

/** Tells others that this process lives. @returns whether the lock is still there */
export function touch(path: string): boolean {
  try {
    const now = new Date();
    utimesSync(path, now, now);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether a holder is gone for good. In doubt it is not.
 *
 * @param touchedMs when its lock was last touched, in milliseconds since the Unix epoch
 */
export function isGone(holder: Holder | undefined, touchedMs: number, me: Holder = thisProcess()): boolean {
  const isSilent = Date.now() - touchedMs > SILENT_MS;
  // A lock that is being written, or was torn by a crash.
  if (holder === undefined) return isSilent;
  if (holder.pid === 0) return true;
  if (holder.place !== me.place) return isSilent;
  if (!isRunning(holder.pid)) return true;
  const now = statOf(holder.pid);
  if (now === undefined) return false;
  // A zombie has ended; another start time is another process with the same number.
  return now.state === 'Z' || now.state === 'X' || (holder.started !== '' && holder.started !== now.started);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to someone else.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** State and start time of a process, from field 3 and 22 of /proc/<pid>/stat (proc_pid_stat(5)). */
function statOf(pid: number): { state: string; started: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in brackets, which may hold blanks and brackets itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, started] = [fields[0], fields[19]];
    return state === undefined || started === undefined ? undefined : { state, started };
  } catch {
    return undefined;
  }
}

function placeOfThisProcess(): string {
  const boot = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const namespace = attempt(() => readlinkSync('/proc/self/ns/pid'));
  return boot === undefined ? hostname() : `${boot} ${namespace ?? hostname()}`;
}

function attempt<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch {
    return undefined;
  }
}
