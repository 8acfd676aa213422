import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { numbered, numbersOf, range } from '../telemetry/testing/buffer-contract.ts';
import type { EventBuffer } from '../telemetry/buffer.ts';
import { openDiskBuffer } from './disk-buffer-open.ts';

const scratch = mkdtempSync(join(tmpdir(), 'kavach-crash-'));
const children: ChildProcess[] = [];
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let count = 0;
const newFolder = (): string => join(scratch, String((count += 1)));
const ALL = { events: 1_000_000, bytes: 1e9 };

const open = (directory: string): EventBuffer =>
  openDiskBuffer({ account: 'key', instance: crypto.randomUUID(), directory }).buffer;

/** A process with a buffer of its own, in which `code` runs. */
function start(directory: string, code: string): ChildProcess & { line(): Promise<string> } {
  const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    import { openDiskBuffer } from ${module('./disk-buffer-open.ts')};
    import { noteEvent } from ${module('../telemetry/event.ts')};
    const event = (at) => noteEvent({ type: 'denied', agent: 'a', runId: 'r', at, code: 'x' });
    const { buffer, spend } = openDiskBuffer({ account: 'key', instance: crypto.randomUUID(), directory: ${JSON.stringify(directory)} });
    ${code}`;
  const child = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', script],
    {
      stdio: 'pipe',
    },
  );
  children.push(child);
  let said = '';
  child.stderr.on('data', (text) => (said += String(text)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return Object.assign(child, {
    async line(): Promise<string> {
      const { value } = (await lines.next()) as { value?: string };
      if (value === undefined) throw new Error(`The process ended without a word: ${said}`);
      return value;
    },
  });
}

/** Code that speaks once a file with content is there, however long that takes. */
function whenThereIs(folder: string, suffix: string): string {
  return `const { readdirSync, statSync } = await import('node:fs');
    const timer = setInterval(() => {
      const names = readdirSync(${JSON.stringify(folder)}, { recursive: true }).filter((name) => name.endsWith('${suffix}'));
      if (!names.some((name) => statSync(${JSON.stringify(`${folder}/`)} + name).size > 0)) return;
      console.log('now');
    }, 1);`;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await ended(child);
}

/** What the next process finds. */
async function left(directory: string): Promise<{ numbers: number[]; dropped: number }> {
  const buffer = open(directory);
  const batch = await buffer.take(ALL);
  const found = { numbers: numbersOf(batch?.events), dropped: buffer.dropped };
  if (batch) buffer.ack(batch);
  await buffer.close();
  return found;
}

describe('A process that ends', () => {
  it.each([
    ['by itself', ''],
    ['by process.exit()', 'process.exit(0);'],
    ['by process.exit() while it writes', 'setTimeout(() => setImmediate(() => process.exit(0)), 20);'],
    ['by an error that nobody catches', 'setTimeout(() => { throw new Error("on purpose"); }, 0);'], // prettier-ignore
  ])('%s, without a flush, loses nothing', async (_, end) => {
    const folder = newFolder();
    const child = start(folder, `for (let i = 0; i < 3000; i++) buffer.append(event(i)); ${end}`);
    await ended(child);
    const { numbers, dropped } = await left(folder);
    // What was being written may be there twice; its ids are the same.
    expect([...new Set(numbers)].sort((a, b) => a - b)).toEqual(range(0, 3_000));
    expect(dropped).toBe(0);
  });

  it('leaves nothing when it has delivered all, and its buffer did not keep it', async () => {
    const folder = newFolder();
    const code = `buffer.append(event(1)); buffer.ack(await buffer.take({ events: 9, bytes: 9e6 })); await buffer.close();`;
    await ended(start(folder, code));
    expect(readdirSync(folder, { recursive: true })).toHaveLength(1);
  });
});

describe('A process whose backend is away', () => {
  it('is not kept by its reporter, and keeps its events', async () => {
    const folder = newFolder();
    const child = start(
      folder,
      `const { Reporter } = await import(${JSON.stringify(new URL('../telemetry/reporter.ts', import.meta.url).href)});
      const reporter = new Reporter({ buffer, instance: 'i', warn: () => {}, send: async () => { throw new Error('away'); } });
      for (let i = 0; i < 300; i++) reporter.append(event(i));
      const { pending } = await reporter.flush(200);
      process.stdout.write(pending + '\\n');`,
    );
    expect(await child.line()).toBe('300');
    await ended(child);
    expect(child.exitCode).toBe(0);
    expect((await left(folder)).numbers).toEqual(range(0, 300));
  });
});

describe('A process that is killed with SIGKILL', () => {
  it.each(range(0, 6).map((round) => [round * 7]))(
    'loses only what was not flushed (%i ms into its work)',
    async (ms) => {
      const folder = newFolder();
      const child = start(
        folder,
        `let i = 0;
        for (; i < 2000; i++) buffer.append(event(i));
        await buffer.flush();
        setInterval(() => { for (let n = 0; n < 200; n++) buffer.append(event(i++)); }, 1);
        setTimeout(() => console.log('now'), ${ms});`,
      );
      await child.line();
      await kill(child);
      const { numbers, dropped } = await left(folder);
      expect(numbers.length).toBeGreaterThanOrEqual(2_000);
      expect(numbers).toEqual(range(0, numbers.length));
      // The line that was torn.
      expect(dropped).toBeLessThanOrEqual(1);
    },
  );

  it('has its events on disk soon after they came, without a flush', async () => {
    const folder = newFolder();
    const child = start(
      folder,
      `for (let i = 0; i < 10; i++) buffer.append(event(i)); ${whenThereIs(folder, '.jsonl')}`,
    );
    await child.line();
    await kill(child);
    expect((await left(folder)).numbers).toEqual(range(0, 10));
  });

  it('does not send again what was acknowledged and written down', async () => {
    const folder = newFolder();
    const child = start(
      folder,
      `for (let i = 0; i < 100; i++) buffer.append(event(i));
      buffer.ack(await buffer.take({ events: 60, bytes: 9e6 }));
      ${whenThereIs(folder, 'acked')}`,
    );
    await child.line();
    await kill(child);
    expect((await left(folder)).numbers).toEqual(range(60, 100));
  });

  it('is taken over at once; a living or a stopped one never', async () => {
    const folder = newFolder();
    const child = start(
      folder,
      `buffer.append(event(7)); await buffer.flush(); console.log('now'); setInterval(() => {}, 1e6);`,
    );
    await child.line();
    expect((await left(folder)).numbers).toEqual([]);
    child.kill('SIGSTOP');
    expect((await left(folder)).numbers).toEqual([]);
    await kill(child);
    expect((await left(folder)).numbers).toEqual([7]);
  });

  it('is taken over by one of two that try at once', async () => {
    const folder = newFolder();
    const buffers = range(0, 40).map((number) => {
      const buffer = open(folder);
      buffer.append(numbered(number));
      return buffer;
    });
    await Promise.all(buffers.map((buffer) => buffer.close()));
    const code = `const batch = await buffer.take({ events: 1e6, bytes: 1e9 });
      console.log(JSON.stringify((batch?.events ?? []).map(({ at }) => at)));
      process.stdin.resume();`;
    const adopters = [start(folder, code), start(folder, code)];
    const found = await Promise.all(adopters.map(async (child) => JSON.parse(await child.line()) as number[]));
    expect(found.flat().sort((a, b) => a - b)).toEqual(range(0, 40));
    for (const child of adopters) await kill(child);
    // Nothing was acknowledged, so all of it goes on to the next.
    expect((await left(folder)).numbers.sort((a, b) => a - b)).toEqual(range(0, 40));
  });

  it('has its spend taken up by the next', async () => {
    const folder = newFolder();
    const child = start(
      folder,
      `spend.set('daily', 86400000, 500, 20); spend.add('daily', 86400000, 30); await spend.flush(); console.log('now'); setInterval(() => {}, 1e6);`,
    );
    await child.line();
    await kill(child);
    for (let restart = 0; restart < 3; restart += 1) {
      const { buffer, spend } = openDiskBuffer({ account: 'key', instance: crypto.randomUUID(), directory: folder });
      expect(spend.load()).toEqual(new Map([['daily', { windowStart: 86_400_000, spent: 550 }]]));
      await buffer.close();
    }
  });
});

describe('The exit listener', () => {
  it('is one for all buffers, and goes with the last', async () => {
    const before = process.listenerCount('exit');
    const buffers = range(0, 20).map(() => open(newFolder()));
    expect(process.listenerCount('exit')).toBe(before + 1);
    await Promise.all(buffers.map((buffer) => buffer.close()));
    expect(process.listenerCount('exit')).toBe(before);
  });
});
