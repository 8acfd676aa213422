import { appendFileSync, chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { BufferOptions, EventBuffer } from '../telemetry/buffer.ts';
import { bufferContract, numbered, numbersOf, range } from '../telemetry/testing/buffer-contract.ts';
import { FakeClock } from '../testing/index.ts';
import { openDiskBuffer, type OpenOptions } from './disk-buffer-open.ts';

const scratch = mkdtempSync(join(tmpdir(), 'kavach-disk-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let count = 0;
const newFolder = (): string => join(scratch, String((count += 1)));
const ALL = { events: 10_000, bytes: 8_000_000 };

function opened(directory: string, options: Partial<OpenOptions> = {}): EventBuffer {
  return openDiskBuffer({ account: 'key', instance: crypto.randomUUID(), directory, ...options }).buffer;
}

/** The files below a folder, as paths within it. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const segmentsIn = (folder: string): string[] => filesIn(folder).filter((path) => path.endsWith('.jsonl'));

bufferContract('DiskBuffer', {
  make: (options: BufferOptions) => opened(newFolder(), options),
  makeSmall: (options) => opened(newFolder(), { ...options, maxDiskBytes: 40_000 }),
});

describe('DiskBuffer', () => {
  it('gives what was not acknowledged to the next one, in order', async () => {
    const folder = newFolder();
    const first = opened(folder);
    for (const number of range(0, 1_000)) first.append(numbered(number));
    const batch = await first.take({ ...ALL, events: 400 });
    first.ack(batch!);
    await first.close();
    const second = opened(folder);
    second.append(numbered(1_000));
    expect(numbersOf((await second.take(ALL))?.events)).toEqual(range(400, 1_001));
    expect([second.size, second.dropped]).toEqual([601, 0]);
    await second.close();
  });

  it('writes where Promise.withResolvers is missing, as on Node 20', async () => {
    using missing = vi.spyOn(Promise, 'withResolvers');
    const folder = newFolder();
    const buffer = opened(folder);
    buffer.append(numbered(0));
    await buffer.close();
    expect(segmentsIn(folder)).toHaveLength(1);
    expect(missing).not.toHaveBeenCalled();
  });

  it('hands on through many owners without nesting their folders', async () => {
    const folder = newFolder();
    for (const number of range(0, 6)) {
      const buffer = opened(folder);
      buffer.append(numbered(number));
      await buffer.close();
    }
    const depths = segmentsIn(folder).map((path) => path.slice(folder.length).split('/').length);
    expect(Math.max(...depths)).toBe(5);
    const last = opened(folder);
    const batch = await last.take(ALL);
    expect(numbersOf(batch?.events).sort()).toEqual(range(0, 6));
    last.ack(batch!);
    await last.close();
  });

  it('leaves nothing behind when all is delivered', async () => {
    const folder = newFolder();
    const buffer = opened(folder);
    for (const number of range(0, 5_000)) buffer.append(numbered(number));
    for (let batch = await buffer.take(ALL); batch; batch = await buffer.take(ALL)) buffer.ack(batch);
    expect(segmentsIn(folder).length).toBeLessThanOrEqual(1);
    await buffer.close();
    expect(filesIn(folder)).toEqual([]);
  });

  it('does not touch the buffer of another account or of a living one', async () => {
    const folder = newFolder();
    const [living, other] = [opened(folder), opened(folder, { account: 'other' })];
    living.append(numbered(0));
    other.append(numbered(1));
    await Promise.all([living.flush(), other.close()]);
    const buffer = opened(folder);
    expect(await buffer.take(ALL)).toBeUndefined();
    expect(living.size).toBe(1);
    await Promise.all([living.close(), buffer.close()]);
  });

  it('skips and counts damaged lines', async () => {
    const folder = newFolder();
    const first = opened(folder);
    for (const number of range(0, 5)) first.append(numbered(number));
    await first.close();
    const [path = ''] = segmentsIn(folder);
    const lines = readFileSync(path, 'utf8').split('\n');
    lines[1] = lines[1]!.replace('"at":1', '"at":7');
    lines[3] = 'no line at all';
    writeFileSync(path, lines.join('\n'));
    appendFileSync(path, lines[0]!.slice(0, 40));
    const said: string[] = [];
    const second = opened(folder, { warn: (message) => said.push(message) });
    await second.flush();
    expect(second.size).toBe(6);
    const batch = await second.take(ALL);
    expect(numbersOf(batch?.events)).toEqual([0, 2, 4]);
    expect([second.size, second.dropped, said.length]).toEqual([3, 3, 1]);
    second.ack(batch!);
    await second.close();
    expect(filesIn(folder)).toEqual([]);
  });

  it('reads lines longer than its chunks, and gives a file without lines up', async () => {
    const folder = newFolder();
    const first = opened(folder);
    const long = { ...numbered(0), code: 'x'.repeat(600_000) };
    first.append(long);
    first.append(numbered(1));
    await first.close();
    const [path = ''] = segmentsIn(folder);
    writeFileSync(path.replace('00000001', '00000002'), Buffer.alloc(5_000_000, 'x'));
    const second = opened(folder, { warn: () => undefined });
    expect((await second.take(ALL))?.events).toEqual([long, expect.objectContaining({ at: 1 })]);
    expect(second.dropped).toBe(1);
    await second.close();
  });

  it('writes files and folders for this user alone', async () => {
    const folder = newFolder();
    const buffer = opened(folder);
    buffer.append(numbered(0));
    await buffer.flush();
    for (const path of filesIn(folder)) expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, readdirSync(folder)[0]!)).mode & 0o777).toBe(0o700);
    expect(folder).not.toContain('key');
    await buffer.close();
  });

  it('writes in the background: an append does no I/O', async () => {
    const folder = newFolder();
    const buffer = opened(folder);
    buffer.append(numbered(0));
    expect(segmentsIn(folder)).toEqual([]);
    await buffer.flush();
    expect(segmentsIn(folder)).toHaveLength(1);
    await buffer.close();
  });

  it('writes 20 ms after the first event', async () => {
    const delays: number[] = [];
    const timers = { start: (ms: number) => (delays.push(ms), () => undefined) };
    const buffer = opened(newFolder(), { timers });
    delays.length = 0;
    buffer.append(numbered(0));
    buffer.append(numbered(1));
    expect(delays).toEqual([20]);
    await buffer.close();
  });

  it('falls back to memory when the disk fails, says so once, and goes back to the disk', async () => {
    const folder = newFolder();
    const said: string[] = [];
    const clock = new FakeClock();
    const buffer = opened(folder, { clock, warn: (message) => said.push(message), segmentBytes: 1 });
    buffer.append(numbered(0));
    await buffer.flush();
    // The folder is away, as a volume that was unmounted.
    renameSync(folder, `${folder}-away`);
    for (const number of range(1, 5)) {
      buffer.append(numbered(number));
      await buffer.flush();
    }
    expect(said).toEqual([expect.stringMatching(/can't be written to .*ENOENT.*kept in memory/)]);
    expect([buffer.size, buffer.dropped]).toEqual([5, 0]);
    renameSync(`${folder}-away`, folder);
    expect(numbersOf((await buffer.take({ ...ALL, events: 3 }))?.events)).toEqual(range(0, 3));
    clock.advance(60_000);
    buffer.append(numbered(5));
    await buffer.flush();
    const batch = await buffer.take(ALL);
    expect(numbersOf(batch?.events).sort()).toEqual(range(0, 6));
    await buffer.close();
    const next = opened(folder);
    expect(new Set(numbersOf((await next.take(ALL))?.events))).toEqual(new Set(range(0, 6)));
    await next.close();
    expect(said).toHaveLength(1);
  });

  it('takes another place where the first can’t be used, and says so', async () => {
    const file = newFolder();
    writeFileSync(file, '');
    const said: string[] = [];
    const state = newFolder();
    const before = process.env['XDG_STATE_HOME'];
    process.env['XDG_STATE_HOME'] = state;
    try {
      const buffer = opened(join(file, 'x'), { warn: (message) => said.push(message) });
      buffer.append(numbered(0));
      await buffer.close();
    } finally {
      if (before === undefined) delete process.env['XDG_STATE_HOME'];
      else process.env['XDG_STATE_HOME'] = before;
    }
    expect(said).toEqual([expect.stringContaining('the configured folder')]);
    expect(segmentsIn(join(state, 'agentkavach'))).toHaveLength(1);
  });

  it('follows no link, and enters no folder that others may write to', async () => {
    const folder = newFolder();
    const elsewhere = newFolder();
    mkdirSync(folder);
    mkdirSync(elsewhere);
    const probe = opened(folder);
    await probe.close();
    const account = join(folder, readdirSync(folder)[0]!);
    chmodSync(account, 0o777);
    await opened(folder).close();
    expect(statSync(account).mode & 0o777).toBe(0o700);
    rmSync(account, { recursive: true });
    symlinkSync(elsewhere, account);
    const said: string[] = [];
    const before = process.env['XDG_STATE_HOME'];
    process.env['XDG_STATE_HOME'] = newFolder();
    const buffer = opened(folder, { warn: (message) => said.push(message) });
    if (before === undefined) delete process.env['XDG_STATE_HOME'];
    else process.env['XDG_STATE_HOME'] = before;
    buffer.append(numbered(0));
    await buffer.close();
    expect(said).toEqual([expect.stringContaining('is no folder')]);
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(lstatSync(account).isSymbolicLink()).toBe(true);
  });

  it('does not read an adopted file that is a link', async () => {
    const folder = newFolder();
    const first = opened(folder);
    first.append(numbered(0));
    await first.close();
    const [path = ''] = segmentsIn(folder);
    const target = newFolder();
    renameSync(path, target);
    symlinkSync(target, path);
    const second = opened(folder);
    expect(await second.take(ALL)).toBeUndefined();
    await second.close();
    expect(existsSync(target)).toBe(true);
  });
});
