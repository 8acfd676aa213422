/**
 * One owner for each data folder. Node has no file locks, so the owner is a numbered file that only one process can create;
 * a lock whose process has ended is passed by taking the next number, never by deleting what another may be reading.
 */
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataFolderInUseError, type Holder } from './errors.ts';
import { beginningOf, isAlive } from './process-identity.ts';

interface Entry extends Holder {
  /** When the process began: its number alone may have been given out again. */
  readonly beginning?: string;
  readonly released?: true;
}

/** A data folder that this process owns. */
export interface Lock {
  /** Says where the owner answers, for whoever finds the folder locked. */
  answerAt(url: string): void;
  release(): void;
}

/**
 * Takes the folder, which must exist.
 *
 * @throws DataFolderInUseError with the holder's process, since when, and where it answers.
 */
export function acquireLock(folder: string, now: number = Date.now()): Lock {
  const beginning = beginningOf(process.pid);
  const mine: Entry = { pid: process.pid, since: now, ...(beginning !== undefined && { beginning }) };
  for (;;) {
    const newest = numbersIn(folder).at(-1) ?? 0;
    refuseIfHeld(folder, newest);
    const number = newest + 1;
    if (!create(folder, number, mine)) continue;
    // A process that saw an older list may have taken a number that was free again; then a higher one is there.
    if (numbersIn(folder).at(-1) === number) {
      for (const old of numbersIn(folder)) if (old < number) rmSync(fileOf(folder, old), { force: true });
      return heldLock(folder, number, mine);
    }
    rmSync(fileOf(folder, number), { force: true });
  }
}

/** Who owns the folder now, if anybody does. */
export function holderOf(folder: string): Holder | undefined {
  const newest = numbersIn(folder).at(-1);
  const entry = newest === undefined ? undefined : read(folder, newest);
  if (!entry || !isHeld(entry)) return undefined;
  const { pid, since, url } = entry;
  return { pid, since, ...(url !== undefined && { url }) };
}

function heldLock(folder: string, number: number, mine: Entry): Lock {
  const write = (entry: Entry): void => {
    const draft = `${fileOf(folder, number)}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(entry), { mode: 0o600 });
    renameSync(draft, fileOf(folder, number));
  };
  return {
    answerAt: (url) => write({ ...mine, url }),
    release: () => write({ ...mine, released: true }),
  };
}

function refuseIfHeld(folder: string, number: number): void {
  const entry = read(folder, number);
  if (entry && isHeld(entry)) throw new DataFolderInUseError(folder, entry);
}

function isHeld({ pid, beginning, released }: Entry): boolean {
  if (released || !isAlive(pid)) return false;
  const now = beginningOf(pid);
  return beginning === undefined || now === undefined || beginning === now;
}

/** Puts a complete file under the number's name; false where another was first. */
function create(folder: string, number: number, entry: Entry): boolean {
  const draft = `${fileOf(folder, number)}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(entry), { mode: 0o600 });
  try {
    linkSync(draft, fileOf(folder, number));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function numbersIn(folder: string): number[] {
  return readdirSync(folder)
    .flatMap((name) => /^owner\.(\d+)\.json$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function read(folder: string, number: number): Entry | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(folder, number), 'utf8')) as Entry;
  } catch {
    return undefined;
  }
}

function fileOf(folder: string, number: number): string {
  return join(folder, `owner.${number}.json`);
}
