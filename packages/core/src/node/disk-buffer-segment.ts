/** One append-only file of events: written by one process, read from the front, removed when all of it is done with. */
import { constants, unlinkSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { WireEvent } from '../wire/index.ts';
import { countLines, decodeLines, NEWLINE } from './disk-buffer-line.ts';

/** Read at once: small, so that parsing it does not hold up the app; larger than the lines that our events make. */
const CHUNK_BYTES = 256_000;
/** A line that is longer is damaged. */
const LONGEST_LINE = CHUNK_BYTES * 16;

// Windows has no O_NOFOLLOW, and no /tmp that others write to.
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

/** Opens a file that must not be there yet, for appending. */
export const CREATE_FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;

/** The name of a segment: its number, so that names sort as they were written. */
export function segmentName(number: number): string {
  return `${String(number).padStart(8, '0')}.jsonl`;
}

/** The number in a segment's name; `undefined` for another file. */
export function segmentNumber(name: string): number | undefined {
  const match = /^(\d{8})\.jsonl$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** An event that was read, with where it ends. */
export interface Entry {
  readonly event: WireEvent;
  readonly bytes: number;
  readonly segment: Segment;
  readonly end: number;
}

/** What a read found. */
export interface Found {
  readonly entries: readonly Entry[];
  readonly damaged: number;
  /** Where the next read goes on. */
  readonly position: number;
}

/** A file of events. */
export class Segment {
  readonly folder: string;
  readonly number: number;
  /** Bytes that are written for certain. */
  size = 0;
  /** Lines in them that were not read yet, damaged ones included. */
  unread = 0;
  #acked = 0;
  #position = 0;
  /** Read and not acknowledged. */
  #out = 0;
  #removed = false;
  #writer: FileHandle | undefined;

  private constructor(folder: string, number: number) {
    this.folder = folder;
    this.number = number;
  }

  /** A new one, to write to. @throws what the file system throws */
  static async create(folder: string, number: number): Promise<Segment> {
    const segment = new Segment(folder, number);
    segment.#writer = await open(segment.path, CREATE_FLAGS, 0o600);
    return segment;
  }

  /** One that another process wrote, from a place on. @throws what the file system throws */
  static async adopt(folder: string, number: number, from: number): Promise<Segment> {
    const segment = new Segment(folder, number);
    segment.#acked = segment.#position = from;
    segment.size = from;
    let last: number | undefined;
    for (let chunk = await segment.#chunkAt(from); chunk.length > 0; chunk = await segment.#chunkAt(segment.size)) {
      segment.size += chunk.length;
      segment.unread += countLines(chunk);
      last = chunk.at(-1);
    }
    // A line that a crash has torn is one to be counted as damaged.
    if (last !== undefined && last !== NEWLINE) segment.unread += 1;
    return segment;
  }

  get path(): string {
    return join(this.folder, segmentName(this.number));
  }

  /** Up to here all is delivered. */
  get acked(): number {
    return this.#acked;
  }

  get isRemoved(): boolean {
    return this.#removed;
  }

  /** Whether all that is in it is read. */
  get isRead(): boolean {
    return this.#removed || this.#position >= this.size;
  }

  /** Whether all that is in it is delivered. */
  get isDone(): boolean {
    return this.#removed || (this.#out === 0 && this.isRead);
  }

  /** Whether it still takes lines. */
  get isOpen(): boolean {
    return this.#writer !== undefined;
  }

  /** Appends text; it counts once it is {@link commit}ted. @throws what the file system throws */
  async append(text: Buffer): Promise<void> {
    await this.#writer?.appendFile(text);
  }

  /** Counts what was appended. */
  commit(bytes: number, lines: number): void {
    this.size += bytes;
    this.unread += lines;
  }

  /** Ends writing. Never rejects. */
  async seal(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.close().catch(() => undefined);
  }

  /**
   * The next events, and how many damaged lines were between them. They count as read once they are {@link took}.
   *
   * @throws what the file system throws
   */
  async read(): Promise<Found> {
    const from = this.#position;
    // It may grow meanwhile: what lies beyond is for the next time, and may be half a line.
    const end = this.size;
    const entries: Entry[] = [];
    let damaged = 0;
    let position = from;
    for (let bytes = CHUNK_BYTES; position === from && bytes <= LONGEST_LINE; bytes *= 4) {
      const chunk = (await this.#chunkAt(from, bytes)).subarray(0, end - from);
      const isLast = chunk.length < bytes;
      for (const line of decodeLines(chunk, isLast)) {
        position = from + line.end;
        if (line.event === undefined) damaged += 1;
        else entries.push({ event: line.event, bytes: line.bytes, segment: this, end: position });
      }
      // The file has become shorter.
      if (isLast && chunk.length < end - from) position = end;
    }
    return { entries, damaged, position: position === from ? end : position };
  }

  /** Counts what was read. @returns how many lines of it are lost */
  took({ entries, damaged, position }: Found): number {
    this.#position = position;
    this.#out += entries.length;
    const left = Math.max(0, this.unread - entries.length - damaged);
    this.unread = this.isRead ? 0 : left;
    return this.isRead ? damaged + left : damaged;
  }

  /** Notes that one event, which ends here, is delivered. */
  ack(end: number): void {
    this.#out -= 1;
    this.#acked = Math.max(this.#acked, end);
  }

  /** Deletes the file. Never throws. */
  remove(): void {
    this.#removed = true;
    this.unread = 0;
    void this.seal();
    try {
      unlinkSync(this.path);
    } catch {
      // gone already
    }
  }

  async #chunkAt(position: number, bytes = CHUNK_BYTES): Promise<Buffer> {
    const file = await open(this.path, constants.O_RDONLY | NO_FOLLOW);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(bytes), 0, bytes, position);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }
}
