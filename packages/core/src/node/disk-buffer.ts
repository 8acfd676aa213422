/**
 * Keeps events on disk until the backend has them. A call only puts the object into a list; within 20 ms it is written in
 * the background. An exit writes the rest at once; SIGKILL loses what the last 20 ms brought, and what was being written.
 */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, type Clock } from '../clock.ts';
import { dropNotice, type Batch, type BatchLimits, type BufferOptions, type EventBuffer } from '../telemetry/buffer.ts';
import { warnToConsole, type DropNotice, type Warn } from '../telemetry/drop-notice.ts';
import { EventQueue } from '../telemetry/event-queue.ts';
import { jsonBytes } from '../telemetry/event-size.ts';
import { Outstanding, type Sized } from '../telemetry/outstanding.ts';
import { systemTimers, type Timers } from '../telemetry/timers.ts';
import type { WireEvent } from '../wire/index.ts';
import { atExit } from './at-exit.ts';
import { EventFiles } from './disk-buffer-files.ts';
import type { BufferFolder } from './disk-buffer-folder.ts';
import { encodeLine } from './disk-buffer-line.ts';
import { CREATE_FLAGS, segmentName, type Entry } from './disk-buffer-segment.ts';
import { TOUCH_MS } from './node-lock.ts';

/** Events turned into lines at once: half a millisecond or so, between which the app gets its turn. */
const EVENTS_PER_WRITE = 500;
/** After the disk failed, it is tried again. */
const RETRY_MS = 60_000;
/** A disk that takes longer has failed. */
const WRITE_MS = 10_000;

/** How a buffer on disk is bounded. `maxEvents` and `maxBytes` hold for what is not written yet. */
export interface DiskBufferOptions extends BufferOptions {
  readonly folder: BufferFolder;
  /** Folders of dead processes that `folder` has adopted already. */
  readonly adopted?: readonly string[] | undefined;
  /** Milliseconds from an append to its write. Default 20. */
  readonly writeMs?: number | undefined;
  /** Bytes on disk at most. Default 256 MB. */
  readonly maxDiskBytes?: number | undefined;
  /** Bytes of one file. Default 4 MB, and no more than an eighth of `maxDiskBytes`. */
  readonly segmentBytes?: number | undefined;
  readonly timers?: Timers | undefined;
  /** Is told of each adopted folder that is found later. */
  readonly onAdopted?: ((folders: readonly string[]) => void) | undefined;
  /** Runs before the folder is given back, also at the process's exit. Must be synchronous and must not throw. */
  readonly beforeRelease?: (() => void) | undefined;
}

/** A read event, or one that never reached the disk. */
type Held = Entry | (Sized & { readonly segment: undefined });

/** Events in append-only files. */
export class DiskBuffer implements EventBuffer {
  readonly #options: DiskBufferOptions;
  readonly #folder: BufferFolder;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #warn: Warn;
  readonly #writeMs: number;
  readonly #notice: DropNotice;
  readonly #pending: EventQueue;
  readonly #outstanding = new Outstanding<Held>();
  readonly #files: EventFiles;
  readonly #takeBackExit: () => void;
  /** Being written: on disk already, or not. */
  #inFlight: readonly WireEvent[] = [];
  #writing: Promise<void> | undefined;
  #adopting: Promise<void> = Promise.resolve();
  #cancelTick: (() => void) | undefined;
  #cancelTouch: (() => void) | undefined;
  /** The monotonic time before which the disk is not tried again. */
  #brokenUntil = -Infinity;
  #saidBroken = false;
  #closed: Promise<void> | undefined;

  constructor(options: DiskBufferOptions) {
    this.#options = options;
    this.#folder = options.folder;
    this.#clock = options.clock ?? systemClock;
    this.#timers = options.timers ?? systemTimers;
    this.#warn = options.warn ?? warnToConsole;
    this.#writeMs = options.writeMs ?? 20;
    this.#notice = dropNotice(options);
    this.#pending = new EventQueue(options);
    const total = options.maxDiskBytes ?? 256_000_000;
    const segment = options.segmentBytes ?? Math.min(4_000_000, total / 8);
    this.#files = new EventFiles(this.#folder, { total, segment }, (events) => this.#notice.add(events));
    this.#takeBackExit = atExit(() => this.#leave());
    if (options.adopted !== undefined) this.#adoptFirst(options.adopted);
    this.#watch();
  }

  get size(): number {
    return this.#pending.length + this.#inFlight.length + this.#files.unread + this.#outstanding.length;
  }

  get dropped(): number {
    return this.#notice.total;
  }

  append(event: WireEvent): void {
    const dropped = this.#closed === undefined ? this.#pending.push(event) : 1;
    if (dropped > 0) this.#notice.add(dropped);
    if (this.#cancelTick === undefined) this.#tickSoon();
  }

  async take(limits: BatchLimits): Promise<Batch | undefined> {
    await this.#adopting;
    while (this.#outstanding.lacks(limits)) {
      if (await this.#files.read((entries) => entries.forEach((entry) => this.#outstanding.add(entry)))) continue;
      if (this.#isBroken) {
        const event = this.#pending.shift();
        if (event === undefined) break;
        this.#outstanding.add({ event, bytes: jsonBytes(event), segment: undefined });
      } else if (this.#pending.length + this.#inFlight.length > 0) await this.#write();
      else break;
    }
    return this.#outstanding.batch(limits);
  }

  ack(batch: Batch): void {
    this.#files.ack(this.#outstanding.ack(batch).filter((entry) => entry.segment !== undefined));
    if (this.#cancelTick === undefined) this.#tickSoon();
  }

  async flush(): Promise<void> {
    await this.#adopting;
    do await this.#write();
    while (this.#pending.length + this.#inFlight.length > 0 && !this.#isBroken);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#cancelTouch?.();
    await this.flush();
    this.#cancelTick?.();
    await this.#files.seal();
    this.#files.ack([]);
    this.#takeBackExit();
    this.#leave();
  }

  /** The synchronous end: what is not written yet goes into a file of its own, apart from a write under way. */
  #leave(): void {
    const unwritten = this.#outstanding.entries.filter(({ segment }) => segment === undefined);
    const events = [...unwritten.map(({ event }) => event), ...this.#inFlight, ...this.#pending.take(Infinity)];
    const text = events.map(encodeLine).join('');
    try {
      if (text !== '') writeNew(join(this.#folder.path, segmentName(this.#files.nextNumber)), text);
    } catch (error) {
      this.#warn(`${events.length} events could not be kept: ${reasonOf(error)}.`);
    }
    this.#files.saveCursor();
    this.#notice.end();
    this.#options.beforeRelease?.();
    this.#folder.release();
  }

  get #isBroken(): boolean {
    return this.#clock.monotonic() < this.#brokenUntil;
  }

  #tickSoon(): void {
    if (this.#closed !== undefined) return;
    this.#cancelTick = this.#timers.start(this.#writeMs, () => {
      this.#cancelTick = undefined;
      void this.#write().then(() => this.#files.saveCursor());
    });
  }

  /** Writes all that waits. Never rejects; where the disk fails, the events stay in memory. */
  #write(): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0 && !this.#isBroken) {
      const events = this.#pending.take(EVENTS_PER_WRITE);
      this.#inFlight = events;
      const lines = events.map(encodeLine).filter((line) => line !== undefined);
      const written = (): void => {
        // Written too late: it has been put back already, and will be there twice.
        if (this.#inFlight !== events) return;
        this.#inFlight = [];
        this.#notice.add(events.length - lines.length);
      };
      try {
        await this.#inTime(this.#files.append(lines, written));
      } catch (error) {
        this.#inFlight = [];
        this.#pending.restore(events);
        this.#broke(error);
      }
    }
  }

  #broke(error: unknown): void {
    this.#brokenUntil = this.#clock.monotonic() + RETRY_MS;
    // After half a line, a new file.
    void this.#files.seal();
    if (this.#saidBroken) return;
    this.#saidBroken = true;
    this.#warn(
      `Events can't be written to ${this.#folder.path}: ${reasonOf(error)}. They are kept in memory meanwhile, ` +
        `and the disk is tried again every ${RETRY_MS / 1_000} seconds.`,
    );
  }

  #inTime(work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#timers.start(WRITE_MS, () => reject(new Error(`no answer for ${WRITE_MS / 1_000} s`)));
      // Where the time wins, nobody else waits for the work.
      void work.finally(cancel).then(resolve, reject);
    });
  }

  /** Reads first what dead processes had left behind before this one began; nothing is taken until that is counted. */
  #adoptFirst(folders: readonly string[]): void {
    this.#adopting = this.#files.count(folders).then((found) => this.#files.joinFront(found));
  }

  /** Reads what is found later after all that this one has written so far, so that a flush knows what it waits for. */
  #adoptLater(folders: readonly string[]): void {
    if (folders.length === 0) return;
    this.#options.onAdopted?.(folders);
    this.#adopting = this.#adopting.then(async () => {
      const found = await this.#files.count(folders);
      while (this.#writing !== undefined) await this.#writing;
      this.#files.joinEnd(found);
    });
  }

  #watch(): void {
    this.#cancelTouch = this.#timers.start(TOUCH_MS, () => {
      try {
        // Taken for dead by another container, which delivers what was here.
        if (!this.#folder.touch()) this.#files.abandon();
        this.#adoptLater(this.#folder.adopt());
      } catch {
        // The folder can't be made anew: the next write finds that out and tells it.
      }
      this.#watch();
    });
  }
}

function writeNew(path: string, text: string): void {
  const file = openSync(path, CREATE_FLAGS, 0o600);
  try {
    writeFileSync(file, text);
  } finally {
    closeSync(file);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
