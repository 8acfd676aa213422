/**
 * What each budget has spent in its present window, kept on disk, so that a restarted process goes on from there and not
 * from zero. Written in the background like the events, at once at an exit; SIGKILL loses the last 20 ms.
 */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { warnToConsole, type Warn } from '../telemetry/drop-notice.ts';
import { systemTimers, type Timers } from '../telemetry/timers.ts';

/** Spend in one window, as an integer of the budget's unit. */
export interface WindowSpend {
  /** `null` for `total`. */
  readonly windowStart: number | null;
  readonly spent: number;
}

/** How a journal is kept. */
export interface JournalOptions {
  /** The file; asked for each time, since its folder may change. `undefined`: nothing is kept. */
  readonly file: () => string | undefined;
  /** Milliseconds from a change to its write. Default 20. */
  readonly writeMs?: number | undefined;
  /** Budgets and holders at most; beyond, those that have not spent for longest are forgotten. Default 100,000. */
  readonly maxEntries?: number | undefined;
  /**
   * The open journals of this process for the same account, this one included: what dead processes had spent lies in the one
   * that was opened first.
   */
  readonly family?: Set<SpendJournal> | undefined;
  /** Is told when a merged file is written into this one and deleted. Must not throw. */
  readonly onMerged?: ((file: string) => void) | undefined;
  readonly timers?: Timers | undefined;
  readonly warn?: Warn | undefined;
}

/** `known` to the backend, or taken over from a run before; `own` came on top. */
interface Total {
  readonly windowStart: number | null;
  known: number;
  own: number;
}

const MAX_FILE_BYTES = 64_000_000;

/** Totals by key; a key names a budget and its holder, not its window. */
export class SpendJournal {
  readonly #options: JournalOptions;
  readonly #timers: Timers;
  readonly #maxEntries: number;
  readonly #totals = new Map<string, Total>();
  /** Keys of which this journal knows only what dead processes had spent. */
  readonly #inherited = new Set<string>();
  /** Journals that are contained in this one, to be deleted once it is written. */
  #merged: string[] = [];
  #cancelTick: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  #changed = false;
  #saidBroken = false;
  #closed = false;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#maxEntries = options.maxEntries ?? 100_000;
    const file = options.file();
    if (file !== undefined) this.#read(file);
    options.family?.add(this);
  }

  /** What was spent in the last window known of each key, this process's additions included. */
  load(): Map<string, WindowSpend> {
    const totals = new Map<string, Total>();
    for (const journal of this.#options.family ?? [this])
      for (const [key, total] of journal.#totals) totals.set(key, join(totals.get(key), total));
    return new Map([...totals].map(([key, { windowStart, known, own }]) => [key, { windowStart, spent: known + own }]));
  }

  /** Adds an amount. One for a window that is over already changes nothing. */
  add(key: string, windowStart: number | null, amount: number): void {
    this.#inherited.delete(key);
    const total = this.#totals.get(key);
    if (total === undefined || isBefore(total.windowStart, windowStart))
      this.#put(key, { windowStart, known: 0, own: amount }); // prettier-ignore
    else if (total.windowStart === windowStart) {
      total.own += amount;
      // The map's order is the order of last use.
      this.#totals.delete(key);
      this.#totals.set(key, total);
    }
    this.#change();
  }

  /**
   * Replaces a total by what the authority says.
   *
   * @param own what this process has spent and the authority does not count yet
   */
  set(key: string, windowStart: number | null, spent: number, own = 0): void {
    // The authority counts by now what dead processes had spent.
    for (const journal of this.#options.family ?? []) if (journal !== this) journal.#disinherit(key);
    this.#inherited.delete(key);
    const total = this.#totals.get(key);
    if (total !== undefined && isBefore(windowStart, total.windowStart)) return;
    this.#put(key, { windowStart, known: spent, own });
    this.#change();
  }

  /**
   * Takes over the journals of dead processes, which shared their budgets with this one. What the backend knew of counts
   * once, what each had spent on top is added: rather too much than too little.
   */
  merge(files: readonly string[]): void {
    const found = files.filter((file) => this.#read(file));
    if (found.length === 0) return;
    this.#merged.push(...found);
    this.#change();
  }

  /** Waits until all is written. Never rejects. */
  async flush(): Promise<void> {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    while (this.#changed || this.#writing !== undefined) await this.#write();
  }

  /** Writes what is left, at once, and ends. Never throws. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.family?.delete(this);
    this.#cancelTick?.();
    const file = this.#options.file();
    if (file === undefined || (!this.#changed && this.#writing === undefined)) return;
    try {
      // Another name than the write under way uses.
      writeFileSync(`${file}.last.new`, this.#text(), { mode: 0o600 });
      renameSync(`${file}.last.new`, file);
      this.#deleteMerged(this.#merged);
    } catch (error) {
      this.#broke(file, error);
    }
  }

  #put(key: string, total: Total): void {
    this.#totals.delete(key);
    this.#totals.set(key, total);
    if (this.#totals.size <= this.#maxEntries) return;
    const [oldest] = this.#totals.keys();
    if (oldest === undefined) return;
    this.#totals.delete(oldest);
    this.#inherited.delete(oldest);
  }

  #change(): void {
    this.#changed = true;
    if (this.#cancelTick !== undefined || this.#closed || this.#options.file() === undefined) return;
    this.#cancelTick = this.#timers.start(this.#options.writeMs ?? 20, () => {
      this.#cancelTick = undefined;
      void this.#write();
    });
  }

  #write(): Promise<void> {
    this.#writing ??= this.#writeNow().finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  async #writeNow(): Promise<void> {
    this.#changed = false;
    const file = this.#options.file();
    if (file === undefined || this.#closed) return;
    const merged = this.#merged;
    try {
      await writeFile(`${file}.new`, this.#text(), { mode: 0o600 });
      if (this.#isClosed()) return; // the last write has put a newer one there
      await rename(`${file}.new`, file);
      this.#deleteMerged(merged);
    } catch (error) {
      this.#broke(file, error);
    }
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  #text(): string {
    return JSON.stringify({
      version: 1,
      totals: [...this.#totals].map(([key, { windowStart, known, own }]) => [key, windowStart, known, own]),
    });
  }

  #deleteMerged(files: readonly string[]): void {
    this.#merged = this.#merged.filter((file) => !files.includes(file));
    for (const file of files) {
      rmSync(file, { force: true });
      this.#options.onMerged?.(file);
    }
  }

  #broke(file: string, error: unknown): void {
    if (this.#saidBroken) return;
    this.#saidBroken = true;
    const reason = error instanceof Error ? error.message : String(error);
    (this.#options.warn ?? warnToConsole)(
      `The spend so far can't be written to ${file}: ${reason}. A restart will count from the last one written.`,
    );
  }

  /** Adds what a file says. @returns whether there was one */
  #read(file: string): boolean {
    try {
      if (statSync(file).size > MAX_FILE_BYTES) throw new Error('it is larger than 64 MB');
      for (const [key, total] of parse(readFileSync(file, 'utf8'))) this.#take(key, total);
      return true;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
      const reason = error instanceof Error ? error.message : String(error);
      (this.#options.warn ?? warnToConsole)(
        `The spend of an earlier run can't be read from ${file}: ${reason}. It is not counted.`,
      );
      return false;
    }
  }

  #take(key: string, other: Total): void {
    const total = this.#totals.get(key);
    if (total === undefined) this.#inherited.add(key);
    this.#put(key, join(total, other));
  }

  #disinherit(key: string): void {
    if (!this.#inherited.delete(key)) return;
    this.#totals.delete(key);
    this.#change();
  }
}

/** Two totals of one key: of the same window, what the authority knew counts once, and what came on top is added. */
function join(one: Total | undefined, other: Total): Total {
  if (one === undefined || isBefore(one.windowStart, other.windowStart)) return { ...other };
  if (one.windowStart !== other.windowStart) return one;
  const { windowStart, known, own } = one;
  return { windowStart, known: Math.max(known, other.known), own: own + other.own };
}

function isBefore(a: number | null, b: number | null): boolean {
  return (a ?? -Infinity) < (b ?? -Infinity);
}

function* parse(text: string): Generator<[string, Total]> {
  const value: unknown = JSON.parse(text);
  const totals: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'totals') : undefined;
  if (!Array.isArray(totals)) throw new Error('it is no spend journal');
  for (const entry of totals as unknown[]) {
    const [key, windowStart, known, own] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (typeof key !== 'string' || typeof known !== 'number' || typeof own !== 'number')
      throw new Error('it holds an entry that is none');
    yield [key, { windowStart: typeof windowStart === 'number' ? windowStart : null, known, own }];
  }
}
