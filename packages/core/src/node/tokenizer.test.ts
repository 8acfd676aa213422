import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createTokenizer, workerUrl } from './tokenizer.ts';
import type { CountWorker } from './tokenizer.ts';
import type { CountAnswer, CountJob, CountRule } from './tokenizer-worker.ts';

const ALL: CountRule = { encoding: 'o200k_base', mode: 'all', factor: 1 };

/** A worker that answers when it is told to. */
function fakeWorkers() {
  const workers: FakeWorker[] = [];
  class FakeWorker implements CountWorker {
    jobs: CountJob[] = [];
    isHeld = true;
    terminated = 0;
    listeners = new Map<string, (value: never) => void>();
    constructor() {
      workers.push(this);
    }
    postMessage(job: CountJob): void {
      this.jobs.push(job);
    }
    on(event: string, listener: (value: never) => void): void {
      this.listeners.set(event, listener);
    }
    emit(event: 'message' | 'error' | 'exit', value?: CountAnswer | Error): void {
      this.listeners.get(event)?.(value as never);
    }
    ref(): void {
      this.isHeld = true;
    }
    unref(): void {
      this.isHeld = false;
    }
    terminate(): void {
      this.terminated += 1;
    }
  }
  return { workers, start: () => new FakeWorker() };
}

const COUNTS = [{ tokens: 2, counted: 11 }];

afterEach(() => vi.useRealTimers());

describe('createTokenizer', () => {
  it('counts in a real worker from the sources, and again after it was closed', async () => {
    const tokenizer = createTokenizer({ timeoutMs: 30_000, loadMs: 30_000 });
    expect(await tokenizer.count(['hello world', '<|endoftext|>'], ALL)).toEqual([
      { tokens: 2, counted: 11 },
      { tokens: 7, counted: 13 },
    ]);
    tokenizer.close();
    expect(await tokenizer.count(['hello world'], { ...ALL, encoding: 'cl100k_base' })).toEqual(COUNTS);
    tokenizer.close();
  });

  it('starts no worker before the first count, and one for all', async () => {
    const { workers, start } = fakeWorkers();
    const tokenizer = createTokenizer({ start });
    expect(workers).toHaveLength(0);
    const both = [tokenizer.count(['a'], ALL), tokenizer.count(['b'], ALL)];
    expect(workers).toHaveLength(1);
    workers[0]?.emit('message', { id: 2, counts: [{ tokens: 9, counted: 1 }] });
    workers[0]?.emit('message', { id: 1, counts: COUNTS });
    expect(await Promise.all(both)).toEqual([COUNTS, [{ tokens: 9, counted: 1 }]]);
  });

  it('holds the process only while a count is awaited', async () => {
    const { workers, start } = fakeWorkers();
    const tokenizer = createTokenizer({ start });
    const first = tokenizer.count(['a'], ALL);
    const second = tokenizer.count(['a'], ALL);
    workers[0]?.emit('message', { id: 1, counts: COUNTS });
    expect(workers[0]?.isHeld).toBe(true);
    workers[0]?.emit('message', { id: 2, counts: COUNTS });
    expect(workers[0]?.isHeld).toBe(false);
    await Promise.all([first, second]);
  });

  it('gives up after the time limit, ends the stuck worker, and starts another', async () => {
    vi.useFakeTimers();
    const { workers, start } = fakeWorkers();
    const tokenizer = createTokenizer({ start, timeoutMs: 2_000, loadMs: 2_000 });
    const stuck = tokenizer.count(['a'], ALL);
    const behind = tokenizer.count(['b'], ALL);
    await vi.advanceTimersByTimeAsync(1_999);
    expect(workers[0]?.terminated).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(await stuck).toBeUndefined();
    expect(await behind).toBeUndefined();
    expect(workers[0]?.terminated).toBe(1);
    const next = tokenizer.count(['a'], ALL);
    // The end of the old worker is no concern of the new one.
    workers[0]?.emit('exit');
    workers[1]?.emit('message', { id: 3, counts: COUNTS });
    expect(await next).toEqual(COUNTS);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives the first count of a worker more time, since it loads the tables', async () => {
    vi.useFakeTimers();
    const { workers, start } = fakeWorkers();
    const tokenizer = createTokenizer({ start });
    const first = tokenizer.count(['a'], ALL);
    await vi.advanceTimersByTimeAsync(14_999);
    workers[0]?.emit('message', { id: 1, counts: COUNTS });
    expect(await first).toEqual(COUNTS);
    const second = tokenizer.count(['a'], ALL);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await second).toBeUndefined();
    expect(workers[0]?.terminated).toBe(1);
  });

  it('answers at once when too many counts or characters are asked', async () => {
    const { workers, start } = fakeWorkers();
    const tokenizer = createTokenizer({ start, maxPending: 1, maxCharacters: 10 });
    expect(await tokenizer.count(['123456', '78901'], ALL)).toBeUndefined();
    const first = tokenizer.count(['a'], ALL);
    expect(await tokenizer.count(['b'], ALL)).toBeUndefined();
    workers[0]?.emit('message', { id: 1, counts: COUNTS });
    expect(await first).toEqual(COUNTS);
  });

  it('stops asking once the tokenizer proves not to be installed', async () => {
    const { workers, start } = fakeWorkers();
    const tokenizer = createTokenizer({ start });
    const first = tokenizer.count(['a'], ALL);
    expect(tokenizer.isMissing).toBe(false);
    workers[0]?.emit('message', { id: 1, failed: 'not-installed' });
    expect(tokenizer.isMissing).toBe(true);
    expect(await first).toBeUndefined();
    expect(await tokenizer.count(['a'], ALL)).toBeUndefined();
    expect(workers[0]?.jobs).toHaveLength(1);
  });

  it('answers undefined when the worker fails, ends, or can’t start', async () => {
    const { workers, start } = fakeWorkers();
    const tokenizer = createTokenizer({ start });
    for (const [event, value] of [['error', new Error('out of memory')], ['exit']] as const) {
      const count = tokenizer.count(['a'], ALL);
      workers.at(-1)?.emit(event, value);
      expect(await count).toBeUndefined();
    }
    expect(workers).toHaveLength(2);
    const broken = createTokenizer({
      start: () => {
        throw new Error('no workers here');
      },
    });
    expect(await broken.count(['a'], ALL)).toBeUndefined();
  });

  it('lets the process end by itself after a count', async () => {
    const script = `import { createTokenizer } from ${JSON.stringify(new URL('./tokenizer.ts', import.meta.url).href)};
      console.log(JSON.stringify(await createTokenizer({ loadMs: 30000 }).count(['hello world'], ${JSON.stringify(ALL)})));`;
    const run = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      timeout: 30_000,
    });
    expect(JSON.parse(run.stdout)).toEqual(COUNTS);
  });
});

describe('workerUrl', () => {
  it.each([
    ['file:///src/node/tokenizer.ts', 'file:///src/node/tokenizer-worker.ts'],
    ['file:///dist/node/tokenizer.js', 'file:///dist/node/tokenizer-worker.js'],
    ['file:///dist/tokenizer-ABC123.js', 'file:///dist/node/tokenizer-worker.js'],
  ])('is, from %s, %s', (self, url) => {
    expect(workerUrl(self).href).toBe(url);
  });
});
