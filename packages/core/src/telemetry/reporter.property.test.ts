import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { openDiskBuffer } from '../node/disk-buffer-open.ts';
import { numbered, range } from './testing/buffer-contract.ts';
import { MemoryBuffer, type EventBuffer } from './buffer.ts';
import { Reporter, type Delivery } from './reporter.ts';
import { FakeAuthority, FakeTimers, type Mood } from './testing/fake-authority.ts';

/** Lets happen what can happen without time. */
async function settled(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await setImmediate();
}

const scratch = mkdtempSync(join(tmpdir(), 'kavach-reporter-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const FLUSH_MS = 1e9;

const mood = fc.constantFrom<Mood>(
  'takes it',
  'is down',
  'answers 500',
  'asks to wait',
  'dies after it has committed',
  'answers with a page',
  'counts wrongly',
  'takes small batches only',
  'throws something else',
);

const world = fc.record({
  moods: fc.array(mood, { maxLength: 60 }),
  // How many events come, and how much time passes after them.
  steps: fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 3_000 })), { maxLength: 12 }),
  poison: fc.integer({ min: 7, max: 400 }),
  dead: fc.integer({ min: 7, max: 400 }),
  batchEvents: fc.integer({ min: 1, max: 40 }),
  random: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
});

/** Plays it through until nothing waits any more. */
async function play(
  { moods, steps, poison, dead, batchEvents, random }: typeof world extends fc.Arbitrary<infer T> ? T : never,
  buffer: EventBuffer,
) {
  const isPoison = (at: number): boolean => at % poison === 5;
  const isDead = (at: number): boolean => at % dead === 3 && !isPoison(at);
  const authority = new FakeAuthority(moods, isPoison, isDead);
  const timers = new FakeTimers();
  const { send } = authority;
  const reporter = new Reporter({ buffer, instance: 'i', send, timers, clock: timers, random: () => random, batchEvents, warn: () => undefined }); // prettier-ignore
  let appended = 0;
  for (const [count, ms] of steps) {
    for (const number of range(appended, appended + count)) reporter.append(numbered(number));
    appended += count;
    timers.advance(ms);
    await settled(2);
  }
  let end: Delivery | undefined;
  const flushed = reporter.flush(FLUSH_MS).then((delivery) => (end = delivery));
  while (end === undefined) {
    await settled(1);
    timers.next(FLUSH_MS / 2);
  }
  await flushed;
  return { authority, appended, end, isPoison, isDead };
}

/** Every event is in the ledger once, or counted as rejected or dropped. */
function expectAllAccountedFor({ authority, appended, end, isPoison, isDead }: Awaited<ReturnType<typeof play>>): void {
  const { ledger } = authority;
  expect(new Set(ledger).size).toBe(ledger.length);
  expect(ledger).toEqual([...ledger].sort((a, b) => a - b));
  expect(ledger.some((at) => isPoison(at) || isDead(at))).toBe(false);
  expect(end.pending).toBe(0);
  expect(end.delivered).toBe(ledger.length);
  expect(end.delivered + end.rejected + end.dropped).toBe(appended);
}

describe('Reporter against an authority that fails in every way', () => {
  it('delivers each event once or counts it, from memory', async () => {
    await fc.assert(
      fc.asyncProperty(world, async (given) => {
        const result = await play(given, new MemoryBuffer());
        expectAllAccountedFor(result);
        const { appended, end, isPoison, isDead } = result;
        expect(end.dropped).toBe(0);
        expect(end.rejected).toBe(range(0, appended).filter((at) => isPoison(at) || isDead(at)).length);
      }),
      { numRuns: 150 },
    );
  });

  it('the same where the buffer overflows meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(world, fc.integer({ min: 1, max: 50 }), async (given, maxEvents) => {
        expectAllAccountedFor(await play(given, new MemoryBuffer({ maxEvents, warn: () => undefined })));
      }),
      { numRuns: 150 },
    );
  });

  it('the same from disk', async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(world, async (given) => {
        const directory = join(scratch, String((runs += 1)));
        const { buffer } = openDiskBuffer({ account: 'a', instance: crypto.randomUUID(), directory });
        const result = await play(given, buffer);
        await buffer.close();
        expectAllAccountedFor(result);
        expect(result.end.dropped).toBe(0);
      }),
      { numRuns: 40 },
    );
  });
});
