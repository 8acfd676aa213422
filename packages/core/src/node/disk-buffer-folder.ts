/**
 * One guard's own folder on disk, `<place>/<account>/<instance>`, held by a lock file for as long as the process lives.
 * The folders of dead processes are taken over by renaming them into one's own: of two that try, one succeeds.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Warn } from '../telemetry/drop-notice.ts';
import { ACKED } from './disk-buffer-cursor.ts';
import { ownFolder, openPlace, places } from './disk-buffer-place.ts';
import { isGone, readHolder, thisProcess, touch, writeHolder } from './node-lock.ts';

const LOCK = 'lock';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Where a guard's files are to be. */
export interface FolderOptions {
  /** Whom the events belong to: the backend's address and the API key. Only its hash is written. */
  readonly account: string;
  /** This process and guard, a UUID. */
  readonly instance: string;
  /** Default: `AGENTKAVACH_BUFFER_DIR`, else the user's data folder, else the temporary folder. */
  readonly directory?: string | undefined;
  readonly warn: Warn;
}

/** A folder that this process holds. */
export class BufferFolder {
  readonly #root: string;
  #instance: string;

  private constructor(root: string, instance: string) {
    this.#root = root;
    this.#instance = instance;
    this.#make();
  }

  /** Opens a folder in the first place that takes one; each that does not is told. `undefined`: nowhere. */
  static open({ account, instance, directory, warn }: FolderOptions): BufferFolder | undefined {
    const name = createHash('sha256').update(account).digest('hex').slice(0, 24);
    for (const place of places(directory)) {
      try {
        openPlace(place);
        const root = join(place.path, name);
        ownFolder(root);
        return new BufferFolder(root, instance);
      } catch (error) {
        warn(
          `Events can't be kept in ${place.what}, ${place.path}: ${error instanceof Error ? error.message : String(error)}. ` +
            'Another place is tried. Set AGENTKAVACH_BUFFER_DIR to a folder that this process may write to.',
        );
      }
    }
    warn('Events are kept in memory only: those not yet delivered are lost when the process ends.');
    return undefined;
  }

  /** The folder of all guards that report to the same account. */
  get account(): string {
    return this.#root;
  }

  get path(): string {
    return join(this.#root, this.#instance);
  }

  /**
   * Takes over the folders of processes that are gone.
   *
   * @returns their paths, all directly inside {@link path}, the oldest first
   */
  adopt(): string[] {
    const adopted: { path: string; modified: number }[] = [];
    for (const name of namesIn(this.#root)) {
      if (name === this.#instance) continue;
      const from = join(this.#root, name);
      const to = join(this.path, name);
      try {
        const found = lstatSync(from);
        const lock = join(from, LOCK);
        if (!found.isDirectory() || !isGone(readHolder(lock), timeOf(lock) ?? found.mtimeMs)) continue;
        renameSync(from, to);
      } catch {
        continue; // another process was faster
      }
      // What it had adopted itself comes along, so that chains of crashes do not nest ever deeper.
      const paths = [to, ...this.#flattened(to)];
      adopted.push(...paths.map((path) => ({ path, modified: timeOf(path) ?? 0 })));
    }
    return adopted.sort((a, b) => a.modified - b.modified).map(({ path }) => path);
  }

  /** Tells other processes that this one lives. A folder that was taken away meanwhile is made anew. @returns false then */
  touch(): boolean {
    if (touch(join(this.path, LOCK))) return true;
    this.#instance = randomUUID();
    this.#make();
    return false;
  }

  /** Gives the folder back with what is in it, or removes it where that is nothing. Never throws. */
  release(): void {
    try {
      const names = readdirSync(this.path);
      if (names.every(isRemains)) rmSync(this.path, { recursive: true, force: true });
      else writeHolder(join(this.path, LOCK), { ...thisProcess(), pid: 0 });
    } catch {
      // The lock ends with the process then.
    }
  }

  #make(): void {
    // Never a folder that is there already: its files would be another buffer's.
    if (existsSync(this.path)) this.#instance = randomUUID();
    ownFolder(this.path);
    writeHolder(join(this.path, LOCK));
  }

  #flattened(folder: string): string[] {
    const found: string[] = [];
    for (const name of namesIn(folder)) {
      const to = join(this.path, name);
      try {
        renameSync(join(folder, name), to);
        found.push(to, ...this.#flattened(to));
      } catch {
        // It stays where it is, for whoever adopts this one.
      }
    }
    return found;
  }
}

/** Deletes an adopted folder once nothing in it is needed. Never throws. */
export function removeAdopted(folder: string): void {
  try {
    const names = readdirSync(folder);
    if (!names.every(isRemains)) return;
    for (const name of names) rmSync(join(folder, name), { force: true });
    rmdirSync(folder);
  } catch {
    // It stays, and costs a look at the next start.
  }
}

/** Whether a file is worth nothing without events. */
function isRemains(name: string): boolean {
  return name === LOCK || name === ACKED || name.endsWith('.new');
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => UUID.test(name));
  } catch {
    return [];
  }
}

function timeOf(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}
