/**
 * PostgreSQL refuses to run as root. As root its programs run as another user, and what they read and write must lie where
 * that user may go.
 */
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { PostgresError } from './errors.ts';

/** The user that PostgreSQL runs as. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

/** Root's own folder for what must not lie below a folder that only root may enter. */
const OPEN_FOLDER = '/var/lib/agentkavach';

/** The user to run as where this process is root; otherwise nothing is to be changed. */
export function runAs(): RunAs | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const uid = idOf('-u', name);
    const gid = idOf('-g', name);
    if (uid && gid) return { uid, gid };
  }
  throw new PostgresError(
    'PostgreSQL refuses to run as root, and there is neither a user "postgres" nor "nobody" to run it as. Start as another user.',
  );
}

/** Whether a user may enter a folder: execute permission on it and on each folder above. */
export function mayEnter(folder: string, { uid, gid }: RunAs): boolean {
  for (let path = folder; ; path = dirname(path)) {
    const { mode, uid: owner, gid: group } = statSync(path);
    const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/** The programs' folder for a user: where it is, or a copy under `open` where the user may not go there. */
export function enterable({ native, version }: Binaries, user: RunAs | undefined, open: string = OPEN_FOLDER): string {
  if (user === undefined || mayEnter(native, user)) return native;
  const copy = join(open, `postgres-${version}`);
  if (existsSync(copy)) return copy;
  const draft = mkdtempSync(join(openFolder(open), 'copy-'));
  cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
  chmodSync(draft, 0o755);
  try {
    // Under its name only when complete.
    renameSync(draft, copy);
  } catch (error) {
    rmSync(draft, { recursive: true });
    if (!existsSync(copy)) throw error;
  }
  return copy;
}

/** A new folder that belongs to the user, under `open`. */
export function openPlace(user: RunAs, open: string = OPEN_FOLDER): string {
  const place = mkdtempSync(join(openFolder(open), 'data-'));
  chownSync(place, user.uid, user.gid);
  return place;
}

function openFolder(open: string): string {
  mkdirSync(open, { recursive: true, mode: 0o755 });
  const { uid, mode } = statSync(open);
  // Others could put programs there that we would run.
  if (uid !== 0 || (mode & 0o022) !== 0) {
    throw new PostgresError(`${open} must belong to root and be writable for root only.`);
  }
  return open;
}

function idOf(flag: '-u' | '-g', name: string): number | undefined {
  try {
    return Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
}
