/** What is installed in a data folder: for programs on the same machine that want to reach it, or to remove it. */
import { existsSync, readdirSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { claimDataFolder } from '../postgres/data-folder.ts';
import { holderOf } from '../postgres/lock.ts';
import { readSecrets, type Secrets } from './secrets.ts';

/** A backend in a data folder. */
export interface Install {
  /** Where it answers now; `undefined` while it does not run. */
  readonly url: string | undefined;
  readonly keys: Secrets['keys'];
}

/** The backend of a data folder; `undefined` where there is none, or where it is another user's. */
export function installAt(dataDir: string): Install | undefined {
  const secrets = readSecrets(dataDir);
  return secrets === undefined ? undefined : { url: holderOf(dataDir)?.url, keys: secrets.keys };
}

/**
 * Removes a backend with all its data; other files in the folder stay.
 *
 * @returns whether there was one
 * @throws DataFolderInUseError while it runs
 */
export function removeInstall(dataDir: string): boolean {
  const cluster = join(dataDir, 'postgres');
  if (readSecrets(dataDir) === undefined && !existsSync(join(cluster, 'PG_VERSION'))) return false;
  const { path, release } = claimDataFolder(dataDir);
  if (existsSync(cluster)) {
    const real = realpathSync(cluster);
    rmSync(real, { recursive: true });
    // Behind a link it had a folder of its own.
    if (dirname(real) !== path) removeIfEmpty(dirname(real));
  }
  for (const name of ['postgres', 'secrets.json']) rmSync(join(path, name), { force: true });
  release();
  for (const name of readdirSync(path)) if (/^owner\.\d+\.json$/.test(name)) rmSync(join(path, name));
  removeIfEmpty(path);
  return true;
}

function removeIfEmpty(folder: string): void {
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}
