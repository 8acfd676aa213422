/** A stack's folder on the disk, owned by this process alone. */
import { chmodSync, mkdirSync, realpathSync } from 'node:fs';
import { acquireLock } from './lock.ts';
import { runAs, type RunAs } from './run-as.ts';

/** An owned data folder. */
export interface DataFolder {
  /** The real path. */
  readonly path: string;
  /** Who the database's programs run as; `undefined`: as this process. */
  readonly user: RunAs | undefined;
  /** Says where the owner answers, for whoever finds the folder locked. */
  answerAt(url: string): void;
  /** Gives the folder back: the last thing to do. */
  release(): void;
}

/**
 * Makes the folder where it is missing, for this user only, and takes it.
 *
 * @throws DataFolderInUseError with the holder's process, since when, and where it answers
 */
export function claimDataFolder(dataDir: string): DataFolder {
  const user = runAs();
  mkdirSync(dataDir, { recursive: true });
  // Where the database runs as another user, that one must pass through; it cannot list, and secrets.json is root's.
  chmodSync(dataDir, user === undefined ? 0o700 : 0o711);
  const path = realpathSync(dataDir);
  return { path, user, ...acquireLock(path) };
}
