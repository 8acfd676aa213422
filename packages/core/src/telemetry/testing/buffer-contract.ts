/** What every event buffer owes the reporter. Each buffer's test runs it. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { WireEvent } from '../../wire/index.ts';
import type { BufferOptions, EventBuffer } from '../buffer.ts';
import { noteEvent } from '../event.ts';

/** Makes buffers of one kind. A small one holds some hundred events. */
export interface BufferKind {
  make(options: BufferOptions): EventBuffer;
  makeSmall(options: BufferOptions): EventBuffer;
}

/** An event that can be told from others by its number. */
export function numbered(number: number, message = ''): WireEvent {
  return noteEvent({ type: 'denied', agent: 'a', runId: 'r', at: number, code: 'KAVACH_KILLED', message });
}

/** The numbers of some events. */
export function numbersOf(events: readonly WireEvent[] | undefined): number[] {
  return (events ?? []).map(({ at }) => at);
}

/** From a number up to, not including, another. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

const ALL = { events: 1_000, bytes: 8_000_000 };

/** Runs the contract. */
export function bufferContract(name: string, { make, makeSmall }: BufferKind): void {
  const open: EventBuffer[] = [];
  const opened = (buffer: EventBuffer): EventBuffer => {
    open.push(buffer);
    return buffer;
  };
  const filled = (count: number, options: BufferOptions = {}): EventBuffer => {
    const buffer = opened(make(options));
    for (const number of range(0, count)) buffer.append(numbered(number));
    return buffer;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((buffer) => buffer.close()));
  });

  describe(`${name} as an event buffer`, () => {
    it('is empty at first', async () => {
      const buffer = filled(0);
      expect(await buffer.take(ALL)).toBeUndefined();
      await buffer.flush();
      expect([buffer.size, buffer.dropped]).toEqual([0, 0]);
    });

    it('hands events out whole and in order, and keeps them until they are acknowledged', async () => {
      const buffer = opened(make({}));
      const events = range(0, 20).map((number) => numbered(number, 'zażółć\n"gęślą" 🦊'));
      for (const event of events) buffer.append(event);
      expect(buffer.size).toBe(20);
      const batch = await buffer.take(ALL);
      expect(batch?.events).toEqual(events);
      expect(buffer.size).toBe(20);
      expect((await buffer.take(ALL))?.events).toEqual(events);
      buffer.ack(batch!);
      expect(buffer.size).toBe(0);
      expect(await buffer.take(ALL)).toBeUndefined();
    });

    it('gives fewer of the same events when it is asked for fewer', async () => {
      const buffer = filled(10);
      expect(numbersOf((await buffer.take({ ...ALL, events: 8 }))?.events)).toEqual(range(0, 8));
      const half = await buffer.take({ ...ALL, events: 4 });
      expect(numbersOf(half?.events)).toEqual(range(0, 4));
      buffer.ack(half!);
      expect(numbersOf((await buffer.take({ ...ALL, events: 4 }))?.events)).toEqual(range(4, 8));
      expect(numbersOf((await buffer.take(ALL))?.events)).toEqual(range(4, 10));
      expect(buffer.size).toBe(6);
    });

    it('keeps a batch within the bytes of its JSON, but gives one event however large', async () => {
      const buffer = opened(make({}));
      const large = range(0, 3).map((number) => numbered(number, 'ü'.repeat(2_000)));
      for (const event of large) buffer.append(event);
      const one = new TextEncoder().encode(JSON.stringify(large[0])).length;
      expect((await buffer.take({ events: 10, bytes: 2 * one }))?.events).toHaveLength(2);
      expect((await buffer.take({ events: 10, bytes: 2 * one - 1 }))?.events).toHaveLength(1);
      expect((await buffer.take({ events: 10, bytes: 1 }))?.events).toHaveLength(1);
    });

    it('takes an acknowledgement twice, and one of a batch that a longer one contained', async () => {
      const buffer = filled(6);
      const short = await buffer.take({ ...ALL, events: 2 });
      const long = await buffer.take({ ...ALL, events: 4 });
      buffer.ack(long!);
      buffer.ack(long!);
      buffer.ack(short!);
      expect(buffer.size).toBe(2);
      expect(numbersOf((await buffer.take(ALL))?.events)).toEqual([4, 5]);
    });

    it('takes events while a batch is under way', async () => {
      const buffer = filled(3);
      const batch = await buffer.take(ALL);
      buffer.append(numbered(3));
      buffer.ack(batch!);
      expect(numbersOf((await buffer.take(ALL))?.events)).toEqual([3]);
    });

    it('drops the oldest when it is full, never the batch under way, and counts them', async () => {
      const buffer = opened(makeSmall({ warn: () => undefined }));
      for (const number of range(0, 10)) buffer.append(numbered(number));
      const batch = await buffer.take(ALL);
      for (const number of range(10, 3_000)) buffer.append(numbered(number));
      await buffer.flush();
      expect(buffer.dropped).toBeGreaterThan(0);
      expect(buffer.size + buffer.dropped).toBe(3_000);
      expect(numbersOf((await buffer.take({ ...ALL, events: 10 }))?.events)).toEqual(range(0, 10));
      buffer.ack(batch!);
      const left = await buffer.take({ events: 3_000, bytes: 8_000_000 });
      expect(numbersOf(left?.events)).toEqual(range(10 + buffer.dropped, 3_000));
    });

    it('says at most once a minute that it drops', async () => {
      const said: string[] = [];
      let now = 0;
      const clock = { now: () => now, monotonic: () => now };
      const buffer = opened(makeSmall({ clock, warn: (message) => said.push(message) }));
      const overflow = async (): Promise<void> => {
        for (const number of range(0, 3_000)) buffer.append(numbered(number));
        await buffer.flush();
      };
      await overflow();
      expect(said).toHaveLength(1);
      now = 59_999;
      await overflow();
      expect(said).toHaveLength(1);
      now = 60_000;
      await overflow();
      expect(said).toHaveLength(2);
      expect(said[1]).toMatch(/lost \d+ events? \(\d+ in all\)/);
      await overflow();
      await buffer.close();
      expect(said).toHaveLength(3);
      expect(said[2]).toContain(`(${buffer.dropped} in all)`);
    });

    it('counts what comes after its end', async () => {
      const said: string[] = [];
      const buffer = filled(0, { warn: (message) => said.push(message) });
      await buffer.close();
      buffer.append(numbered(0));
      await buffer.close();
      expect(buffer.dropped).toBe(1);
      expect(said).toHaveLength(1);
    });

    it('behaves like a list, whatever the order of calls', async () => {
      const step = fc.oneof(
        fc.record({ append: fc.integer({ min: 1, max: 700 }) }),
        fc.record({ take: fc.integer({ min: 1, max: 900 }), bytes: fc.integer({ min: 1, max: 40_000 }) }),
        fc.constant('ack' as const),
        fc.constant('flush' as const),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const buffer = make({});
          let [appended, acked] = [0, 0];
          let batch: Awaited<ReturnType<EventBuffer['take']>>;
          for (const each of steps) {
            if (each === 'flush') await buffer.flush();
            else if (each === 'ack') {
              if (batch === undefined) continue;
              buffer.ack(batch);
              acked += batch.events.length;
              batch = undefined;
            } else if ('append' in each) {
              for (const number of range(appended, appended + each.append)) buffer.append(numbered(number));
              appended += each.append;
            } else {
              batch = await buffer.take({ events: each.take, bytes: each.bytes });
              const count = batch?.events.length ?? 0;
              expect(numbersOf(batch?.events)).toEqual(range(acked, acked + count));
              expect(count).toBeGreaterThanOrEqual(Math.min(1, appended - acked));
              const bytes = (batch?.events ?? []).map((event) => JSON.stringify(event).length).reduce((a, b) => a + b, 0); // prettier-ignore
              if (count > 1) expect(bytes).toBeLessThanOrEqual(each.bytes);
            }
            expect(buffer.size).toBe(appended - acked);
          }
          expect(buffer.dropped).toBe(0);
          await buffer.close();
        }),
        { numRuns: 25 },
      );
    });
  });
}
