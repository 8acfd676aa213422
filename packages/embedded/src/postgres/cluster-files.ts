/** The files of a PostgreSQL cluster: made once, complete or not at all, by a user that may enter the folder. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { program } from './binaries.ts';
import { PostgresError } from './errors.ts';
import { environment } from './postmaster.ts';
import { mayEnter, openPlace, type RunAs } from './run-as.ts';

/** The name of the superuser, as on the platform: `postgres` is not one there. */
export const SUPERUSER = 'supabase_admin';

/** The cluster's folder within the data folder; made with `initdb` where there is none. The caller owns the lock. */
export async function clusterIn(
  dataDir: string,
  options: { native: string; user: RunAs | undefined; password: string; open: string | undefined },
): Promise<{ cluster: string; fresh: boolean }> {
  const { native, user, password } = options;
  const cluster = join(dataDir, 'postgres');
  if (existsSync(join(cluster, 'PG_VERSION'))) return { cluster: realpathSync(cluster), fresh: false };
  // Root may be the only one who can enter the folders above: then the data lies elsewhere, behind a link.
  const outside = user !== undefined && !mayEnter(dataDir, user);
  const place = outside ? openPlace(user, options.open) : dataDir;
  const draft = join(place, 'postgres.new');
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  const passwordFile = join(place, `password-${randomUUID()}`);
  try {
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (user) for (const path of [draft, passwordFile]) chownSync(path, user.uid, user.gid);
    await initdb(native, draft, passwordFile, user);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  // A cluster that was cut off while it was made never has this name.
  const finished = join(place, 'postgres');
  renameSync(draft, finished);
  if (outside) {
    rmSync(cluster, { force: true });
    symlinkSync(finished, cluster);
  }
  return { cluster: realpathSync(cluster), fresh: true };
}

async function initdb(native: string, folder: string, passwordFile: string, user: RunAs | undefined): Promise<void> {
  try {
    await promisify(execFile)(
      program(native, 'initdb'),
      [
        ...['-D', folder, '-U', SUPERUSER, `--pwfile=${passwordFile}`, '-A', 'scram-sha-256', '-E', 'UTF8'],
        // PostgreSQL's own C.UTF-8 sorts alike on every system; the systems' ones are missing or differ.
        ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-sync', '--no-instructions'],
      ],
      { ...user, cwd: dirname(folder), env: environment() },
    );
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new PostgresError(`PostgreSQL could not make a new cluster in ${folder}: ${said}`, { cause: error });
  }
}
