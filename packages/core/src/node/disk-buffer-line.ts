/** One event as one line on disk: a CRC-32 of the JSON in eight hexadecimal digits, a blank, the JSON. */
import { crc32 } from 'node:zlib';
import type { WireEvent } from '../wire/index.ts';

/** Ends a line. */
export const NEWLINE = 0x0a;
const PREFIX = 9;

/** An event's line; `undefined` for one that is no JSON. */
export function encodeLine(event: WireEvent): string | undefined {
  try {
    const json = JSON.stringify(event);
    return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
  } catch {
    return undefined; // a foreign object with a cycle or a BigInt
  }
}

/** A line that was read. */
export interface Line {
  /** `undefined` for one that is damaged. */
  readonly event: WireEvent | undefined;
  /** Of the JSON. */
  readonly bytes: number;
  /** Where the next line begins. */
  readonly end: number;
}

/**
 * The lines in a piece of a file.
 *
 * @param isLast whether the file ends here: what stands behind the last line break is then a line torn by a crash
 */
export function* decodeLines(chunk: Buffer, isLast: boolean): Generator<Line> {
  let start = 0;
  while (start < chunk.length) {
    const at = chunk.indexOf(NEWLINE, start);
    if (at === -1 && !isLast) return;
    const end = at === -1 ? chunk.length : at;
    yield {
      event: decode(chunk.subarray(start, end)),
      bytes: end - start - PREFIX,
      end: Math.min(end + 1, chunk.length),
    };
    start = end + 1;
  }
}

/** How many lines a piece of a file ends. */
export function countLines(chunk: Buffer): number {
  let lines = 0;
  for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

function decode(line: Buffer): WireEvent | undefined {
  const json = line.subarray(PREFIX);
  if (json.length === 0 || Number.parseInt(line.toString('latin1', 0, PREFIX - 1), 16) !== crc32(json))
    return undefined;
  try {
    return JSON.parse(json.toString('utf8')) as WireEvent;
  } catch {
    return undefined;
  }
}
