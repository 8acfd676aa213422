/** The event files of one buffer: its own, the last of which is being written, and those of dead processes. */
import { readdirSync } from 'node:fs';
import { readCursor, writeCursor } from './disk-buffer-cursor.ts';
import { removeAdopted, type BufferFolder } from './disk-buffer-folder.ts';
import { Segment, segmentNumber, type Entry } from './disk-buffer-segment.ts';

/** A file in use that is delivered and larger than this gives way to a new one. */
const TIDY_BYTES = 64_000;

/** How large the files may be. */
export interface FileLimits {
  /** Bytes of all. */
  readonly total: number;
  /** Bytes of one. */
  readonly segment: number;
}

/** Event files, the oldest first. */
export class EventFiles {
  readonly #folder: BufferFolder;
  readonly #limits: FileLimits;
  /** Is told how many events are lost. */
  readonly #onLost: (events: number) => void;
  #segments: Segment[] = [];
  #lastNumber = 0;
  #isWriting = false;
  #cursorMoved = false;

  constructor(folder: BufferFolder, limits: FileLimits, onLost: (events: number) => void) {
    this.#folder = folder;
    this.#limits = limits;
    this.#onLost = onLost;
  }

  /** Events in the files that were not read yet. */
  get unread(): number {
    let unread = 0;
    for (const segment of this.#segments) unread += segment.unread;
    return unread;
  }

  /** The number that the next file gets. */
  get nextNumber(): number {
    return this.#lastNumber + 1;
  }

  /**
   * Writes lines at the end. One at a time.
   *
   * @param onWritten runs in the moment in which they count
   * @throws what the file system throws; the next lines go to a new file then
   */
  async append(lines: readonly string[], onWritten: () => void): Promise<void> {
    this.#isWriting = true;
    try {
      const text = Buffer.from(lines.join(''));
      const segment = await this.#writable();
      await segment.append(text);
      segment.commit(text.length, lines.length);
      onWritten();
    } finally {
      this.#isWriting = false;
    }
    this.#makeRoom();
  }

  /** Ends the file that is being written. Never rejects. */
  async seal(): Promise<void> {
    await this.#segments.at(-1)?.seal();
  }

  /** Hands out the next events; none where all is read. Never rejects. @returns whether there was something to read */
  async read(onRead: (entries: readonly Entry[]) => void): Promise<boolean> {
    const segment = this.#segments.find(({ isRead }) => !isRead);
    if (segment === undefined) return false;
    try {
      const found = await segment.read();
      // Dropped meanwhile, with all that was in it.
      if (segment.isRemoved) return true;
      const lost = segment.took(found);
      onRead(found.entries);
      this.#onLost(lost);
      this.#tidy();
    } catch {
      if (!segment.isRemoved) this.#drop(segment);
    }
    return true;
  }

  /** Notes what was delivered, and deletes what is needed no more. */
  ack(entries: readonly Entry[]): void {
    for (const { segment, end } of entries) segment.ack(end);
    this.#cursorMoved = true;
    this.#tidy();
  }

  /** Writes down how far all is delivered. Never throws. */
  saveCursor(): void {
    const first = this.#segments[0];
    if (this.#cursorMoved && first !== undefined && first.acked > 0) writeCursor(first);
    this.#cursorMoved = false;
  }

  /** Counts what dead processes left behind; it is read once it has joined. Never rejects. */
  async count(folders: readonly string[]): Promise<Segment[]> {
    const found: Segment[] = [];
    for (const folder of folders) found.push(...(await segmentsIn(folder)));
    return found;
  }

  /** Adds files to be read before all others: nothing may have been read yet. */
  joinFront(found: readonly Segment[]): void {
    this.#segments.unshift(...found);
    this.#makeRoom();
  }

  /** Adds files to be read after all that was written so far. Not during an append. */
  joinEnd(found: readonly Segment[]): void {
    void this.seal();
    this.#segments.push(...found);
    this.#makeRoom();
  }

  /** Forgets all files: another process has them now. */
  abandon(): void {
    for (const segment of this.#segments) void segment.seal();
    this.#segments = [];
  }

  async #writable(): Promise<Segment> {
    const last = this.#segments.at(-1);
    if (last?.isOpen === true && last.size < this.#limits.segment) return last;
    await last?.seal();
    this.#lastNumber += 1;
    const segment = await Segment.create(this.#folder.path, this.#lastNumber);
    this.#segments.push(segment);
    return segment;
  }

  /** The oldest files go, but never the one in use. */
  #makeRoom(): void {
    let bytes = 0;
    for (const { size } of this.#segments) bytes += size;
    for (const segment of this.#segments.slice(0, -1)) {
      if (bytes <= this.#limits.total) return;
      bytes -= segment.size;
      this.#drop(segment);
    }
  }

  #drop(segment: Segment): void {
    const lost = segment.unread;
    this.#segments = this.#segments.filter((each) => each !== segment);
    this.#remove(segment);
    this.#onLost(lost);
  }

  #tidy(): void {
    for (let first = this.#segments[0]; first?.isDone === true; first = this.#segments[0]) {
      if (first.isOpen && (first.size < TIDY_BYTES || this.#isWriting)) return;
      this.#segments.shift();
      this.#remove(first);
    }
  }

  #remove(segment: Segment): void {
    segment.remove();
    if (segment.folder !== this.#folder.path) removeAdopted(segment.folder);
  }
}

async function segmentsIn(folder: string): Promise<Segment[]> {
  const cursor = readCursor(folder);
  const segments: Segment[] = [];
  try {
    const numbers = readdirSync(folder)
      .map(segmentNumber)
      .filter((number) => number !== undefined)
      .sort((a, b) => a - b);
    for (const number of numbers) {
      const segment = await Segment.adopt(folder, number, number === cursor.segment ? cursor.offset : 0);
      if (segment.isRead || number < cursor.segment) segment.remove();
      else segments.push(segment);
    }
  } catch {
    // What can't be read stays where it is.
  }
  if (segments.length === 0) removeAdopted(folder);
  return segments;
}
