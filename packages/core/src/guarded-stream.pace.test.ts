import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from './testing/fake-clock.ts';
import { openStream, seenUsd, WHOLE_USD, type Chunk } from './testing/controlled-stream.ts';
import { expectSettled } from './testing/metered.ts';

type Opened = Awaited<ReturnType<typeof openStream>> & {
  clock: FakeClock;
  user: AbortController;
  read: ReadableStreamDefaultReader<Chunk>;
};

async function open(): Promise<Opened> {
  const clock = new FakeClock();
  const user = new AbortController();
  const opened = await openStream({ clock }, 'readable', { signal: user.signal });
  return { ...opened, clock, user, read: opened.reader() };
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

const ENDINGS = ['cancel', 'kill', 'abort', 'close'] as const;
type Ending = (typeof ENDINGS)[number];

async function end(ending: Ending, { guard, user, read }: Opened): Promise<void> {
  if (ending === 'cancel') await read.cancel();
  else if (ending === 'kill') guard.kill();
  else if (ending === 'abort') user.abort();
  else await guard.close();
  await read.read().catch(() => undefined);
}

const BEHIND: [string, (opened: Opened) => unknown][] = [
  [
    'has stalled after a read',
    async ({ provider, read, clock }) => {
      provider.push({ text: 'abc' });
      await read.read();
      clock.advance(251);
    },
  ],
  [
    'has fallen behind bit by bit',
    async ({ provider, read, clock }) => {
      provider.push({ text: 'a' }).push({ text: 'b' }).push({ text: 'c' });
      for (let i = 0; i < 3; i++) {
        clock.advance(90);
        await read.read();
      }
    },
  ],
  ['has not read for 8 seconds', ({ clock }) => clock.advance(8_000)],
];

const KEEPING_UP: [string, number, (opened: Opened) => Promise<unknown>][] = [
  [
    'leaves right after a chunk',
    3,
    async ({ provider, read, clock }) => {
      provider.push({ text: 'abc' });
      await read.read();
      clock.advance(250);
    },
  ],
  [
    'waits for the provider',
    3,
    async ({ provider, read, clock }) => {
      provider.push({ text: 'abc' });
      await read.read();
      read.read().catch(() => undefined);
      await turns();
      clock.advance(60_000);
    },
  ],
  [
    'has caught up with the provider',
    5,
    async ({ provider, read, clock }) => {
      provider.push({ text: 'abc' });
      clock.advance(5_000);
      await read.read();
      const late = read.read();
      await turns();
      clock.advance(2);
      provider.push({ text: 'de' });
      await late;
    },
  ],
];

describe.each(ENDINGS)('a stream that ends by %s', (ending) => {
  it.each(BEHIND)('is charged whole where its consumer %s', async (_, act) => {
    const opened = await open();
    await act(opened);
    await end(ending, opened);
    expectSettled(opened.guard, opened.booked, 1);
    expect(opened.booked[0]).toMatchObject({ usd: WHOLE_USD, outcome: 'cancelled', estimated: true });
  });

  it.each(KEEPING_UP)('is charged by what was seen where its consumer %s', async (_, seen, act) => {
    const opened = await open();
    await act(opened);
    await end(ending, opened);
    expectSettled(opened.guard, opened.booked, 1);
    expect(opened.booked[0]).toMatchObject({ usd: seenUsd(seen), outcome: 'cancelled', estimated: true });
  });
});

it('is never charged above its reservation, nor below what was seen', async () => {
  const step = fc.oneof(
    fc.record({ wait: fc.integer({ min: 0, max: 400 }) }),
    fc.record({ text: fc.integer({ min: 1, max: 900 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.constantFrom(...ENDINGS), async (steps, ending) => {
      const opened = await open();
      const { clock, provider, read, guard, booked } = opened;
      for (const each of steps) {
        if ('wait' in each) clock.advance(each.wait);
        else {
          provider.push({ text: 'x'.repeat(each.text) });
          await read.read();
        }
      }
      await end(ending, opened);
      expectSettled(guard, booked, 1);
      expect(booked[0]!.usd).toBeLessThanOrEqual(WHOLE_USD);
      expect(booked[0]!.usd).toBeGreaterThanOrEqual(Math.min(WHOLE_USD, seenUsd(provider.produced)));
    }),
    { numRuns: 60 },
  );
});
