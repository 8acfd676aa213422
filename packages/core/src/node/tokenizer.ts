/**
 * Counts tokens off the hot path, in one worker that starts with the first count. It never throws and never holds the
 * process: no worker, no `gpt-tokenizer`, a full queue or a slow count all answer `undefined`.
 */
import { Worker } from 'node:worker_threads';
import type { Count, CountAnswer, CountJob, CountRule } from './tokenizer-worker.ts';

export type { Count, CountRule } from './tokenizer-worker.ts';

/** What the tokenizer needs of a worker; a fake takes its place in tests. */
export interface CountWorker {
  postMessage(job: CountJob): void;
  on(event: 'message', listener: (answer: CountAnswer) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
  ref(): void;
  unref(): void;
  terminate(): unknown;
}

/** How the tokenizer is bounded. */
export interface TokenizerOptions {
  /** How long a count may take, in milliseconds. Default 2,000. */
  readonly timeoutMs?: number | undefined;
  /** How long the first count of a worker may take, which loads the tokenizer's tables, in milliseconds. Default 15,000. */
  readonly loadMs?: number | undefined;
  /** Counts under way at most; more answer `undefined` at once. Default 64. */
  readonly maxPending?: number | undefined;
  /** Characters of one count at most. Default 8 million. */
  readonly maxCharacters?: number | undefined;
  /** Starts the worker. */
  readonly start?: (() => CountWorker) | undefined;
}

/** Counts texts in a worker. */
export interface Tokenizer {
  /** A count for each text, in order; `undefined` when there is none to be had in time. */
  count(texts: readonly string[], rule: CountRule): Promise<readonly Count[] | undefined>;
  /** Whether a count has found that `gpt-tokenizer` is not installed. */
  readonly isMissing: boolean;
  /** Ends the worker; a later count starts another. */
  close(): void;
}

/** Where the worker's file is: beside this one in the sources; in `node/` of the built package, whatever chunk this is in. */
export function workerUrl(self: string): URL {
  if (self.endsWith('.ts')) return new URL('./tokenizer-worker.ts', self);
  return new URL(/\/node\/[^/]*$/.test(self) ? './tokenizer-worker.js' : './node/tokenizer-worker.js', self);
}

/** A tokenizer with its own worker and queue. */
export function createTokenizer(options: TokenizerOptions = {}): Tokenizer {
  const { timeoutMs = 2_000, loadMs = 15_000, maxPending = 64, maxCharacters = 8_000_000 } = options;
  // Without the process's own flags: a loader given there (tsx, a test runner) may not fit a worker.
  const start =
    options.start ??
    (() => new Worker(workerUrl(import.meta.url), { execArgv: [], workerData: 'agentkavach.tokenizer' }));
  const pending = new Map<number, (counts: readonly Count[] | undefined) => void>();
  let worker: CountWorker | undefined;
  let isLoaded = false;
  let notInstalled = false;
  let lastId = 0;

  function stop(ended: CountWorker | undefined): void {
    if (worker !== ended) return;
    worker = undefined;
    isLoaded = false;
    for (const resolve of pending.values()) resolve(undefined);
    pending.clear();
    ended?.terminate();
  }

  function running(): CountWorker {
    if (worker) return worker;
    const started = start();
    worker = started;
    started.on('message', (answer: CountAnswer) => {
      isLoaded = true;
      if ('failed' in answer && answer.failed === 'not-installed') notInstalled = true;
      const resolve = pending.get(answer.id);
      pending.delete(answer.id);
      if (pending.size === 0) started.unref();
      resolve?.('counts' in answer ? answer.counts : undefined);
    });
    started.on('error', () => stop(started));
    started.on('exit', () => stop(started));
    return started;
  }

  return {
    async count(texts, rule) {
      let characters = 0;
      for (const text of texts) characters += text.length;
      if (notInstalled || pending.size >= maxPending || characters > maxCharacters) return undefined;
      const id = (lastId += 1);
      let timer: ReturnType<typeof setTimeout> | undefined;
      try {
        return await new Promise<readonly Count[] | undefined>((resolve) => {
          const used = running();
          pending.set(id, resolve);
          // A stuck count would hold up all that wait behind it, so its worker goes.
          timer = setTimeout(() => stop(used), isLoaded ? timeoutMs : loadMs);
          // While a count is awaited the process stays; between counts the worker does not keep it.
          used.ref();
          used.postMessage({ id, rule, texts });
        });
      } catch {
        pending.delete(id);
        return undefined;
      } finally {
        clearTimeout(timer);
      }
    },
    get isMissing() {
      return notInstalled;
    },
    close: () => stop(worker),
  };
}
