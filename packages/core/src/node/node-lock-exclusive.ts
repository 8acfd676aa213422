/**
 * A lock on a file that one process may hold at a time. Lock files are numbered: whoever creates the number after a dead
 * holder's is the next one, and the highest number counts, so that two that find the same dead holder can't both win.
 */
import { mkdirSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isGone, readHolder, thisProcess, touch, writeHolder, type Holder } from './node-lock.ts';

/** A lock that is held. */
export interface ExclusiveLock {
  /** Tells others that the holder lives. @returns whether it still holds the lock */
  touch(): boolean;
  /** Gives it back. Never throws. */
  release(): void;
}

/** The lock, or who has it, as far as that is known. */
export type LockAnswer = { readonly lock: ExclusiveLock } | { readonly heldBy: Holder | undefined };

/**
 * Takes the lock on a file, also from a holder that died.
 *
 * @throws what the file system throws where the folder can't be written
 */
export function takeLock(file: string): LockAnswer {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const prefix = `${basename(file)}.lock-`;
  const folder = dirname(file);
  const pathOf = (number: number): string => join(folder, prefix + String(number));
  for (;;) {
    const highest = Math.max(0, ...numbersIn(folder, prefix));
    const holder = highest === 0 ? undefined : readHolder(pathOf(highest));
    if (highest > 0 && !isGone(holder, touchedAt(pathOf(highest)))) return { heldBy: holder };
    const mine = highest + 1;
    if (!create(pathOf(mine))) continue;
    // Between the look and the creation others may have taken a higher number and removed this one.
    if (Math.max(...numbersIn(folder, prefix)) !== mine) {
      remove(pathOf(mine));
      continue;
    }
    for (const number of numbersIn(folder, prefix)) if (number < mine) remove(pathOf(number));
    return { lock: held(pathOf(mine)) };
  }
}

function held(path: string): ExclusiveLock {
  return {
    touch: () => touch(path),
    release() {
      // Not removed: the highest number must stay, for the rule above to hold.
      try {
        if (readHolder(path) !== undefined) writeHolder(path, { ...thisProcess(), pid: 0 });
      } catch {
        // The lock ends with the process then.
      }
    },
  };
}

/** @returns whether it was not there before */
function create(path: string): boolean {
  try {
    // Whoever sees it empty waits: a lock that can't be read is held.
    writeFileSync(path, JSON.stringify(thisProcess()), { mode: 0o600, flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function numbersIn(folder: string, prefix: string): number[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && /^\d{1,15}$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)));
}

function touchedAt(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0; // removed meanwhile, by the next holder: the creation below finds that
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // gone already
  }
}
