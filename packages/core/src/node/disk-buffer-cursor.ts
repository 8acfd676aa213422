/** How far the events in a folder are delivered, so that a restart sends little twice. Ids make twice harmless. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Segment } from './disk-buffer-segment.ts';

/** The name of the file. */
export const ACKED = 'acked';

/** A place in a folder's segments: all before it is delivered. */
export interface Cursor {
  readonly segment: number;
  readonly offset: number;
}

/** Reads a folder's cursor; the beginning where there is none. */
export function readCursor(folder: string): Cursor {
  try {
    const [segment = 0, offset = 0] = readFileSync(join(folder, ACKED), 'latin1').slice(0, 64).split(' ').map(Number);
    if (Number.isSafeInteger(segment) && Number.isSafeInteger(offset) && segment >= 0 && offset >= 0)
      return { segment, offset };
  } catch {
    // Nothing of it is delivered, or it will be sent twice.
  }
  return { segment: 0, offset: 0 };
}

/** Writes a cursor in one step. Never throws: without it some events are sent twice. */
export function writeCursor({ folder, number, acked }: Segment): void {
  const temporary = join(folder, `${ACKED}.new`);
  try {
    writeFileSync(temporary, `${number} ${acked}`, { mode: 0o600 });
    renameSync(temporary, join(folder, ACKED));
  } catch {
    // see above
  }
}
