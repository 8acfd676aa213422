/** Test runs that were killed leave a server and a folder behind; the next run removes them. */
import { existsSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findBinaries } from '../postgres/binaries.ts';
import { holderOf } from '../postgres/lock.ts';
import { stopOrphan } from '../postgres/postmaster.ts';
import { runAs } from '../postgres/run-as.ts';

/**
 * @param parent where runs make their folders
 * @param prefix how their names begin
 * @returns the folders that were removed
 */
export async function removeLeftovers(parent: string, prefix: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of readdirSync(parent).filter((entry) => entry.startsWith(prefix))) {
    const folder = join(parent, name);
    try {
      if (await remove(folder)) removed.push(folder);
    } catch (error) {
      // Another run removes it at the same time.
      if (existsSync(folder)) throw error;
    }
  }
  return removed;
}

async function remove(folder: string): Promise<boolean> {
  // Without a lock it may be one that is just being made.
  const isOwned = readdirSync(folder).some((entry) => /^owner\.\d+\.json$/.test(entry));
  if (!isOwned || holderOf(folder) !== undefined) return false;
  const cluster = join(folder, 'postgres');
  if (existsSync(cluster)) await stopOrphan(findBinaries().native, realpathSync(cluster), runAs());
  rmSync(folder, { recursive: true, force: true });
  return true;
}
