import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { IngestAnswer, IngestRequest, WireEvent } from '../wire/index.ts';
import { numbered, numbersOf, range } from './testing/buffer-contract.ts';
import { MemoryBuffer } from './buffer.ts';
import { Reporter, type ReporterOptions } from './reporter.ts';
import { BackendError } from '../wire/backend-error.ts';
import { FakeAuthority, FakeTimers, type Mood } from './testing/fake-authority.ts';

/** Lets happen what can happen without time. */
async function settled(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await setImmediate();
}

function reporting(
  moods: readonly Mood[] = [],
  options: Partial<ReporterOptions> = {},
  authority = new FakeAuthority(moods),
) {
  const timers = new FakeTimers();
  const said: string[] = [];
  const buffer = new MemoryBuffer({ clock: timers });
  const reporter = new Reporter({
    buffer,
    instance: 'i',
    send: authority.send,
    timers,
    clock: timers,
    random: () => 0.5,
    warn: (message) => said.push(message),
    ...options,
  });
  const append = (from: number, to: number): void =>
    range(from, to).forEach((number) => reporter.append(numbered(number)));
  const advance = async (ms: number): Promise<void> => {
    for (const end = timers.now() + ms; timers.now() < end; await settled())
      if (!timers.next(end - timers.now())) timers.advance(end - timers.now());
  };
  const sizes = (): number[] => authority.requests.map(({ events }) => events.length);
  return { authority, timers, said, buffer, reporter, append, advance, sizes };
}

describe('Reporter, when the backend is well', () => {
  it('sends a second after the first event, all at once', async () => {
    const { append, advance, sizes, authority, reporter } = reporting();
    append(0, 3);
    await advance(999);
    expect(sizes()).toEqual([]);
    await advance(1);
    expect(sizes()).toEqual([3]);
    expect(authority.requests[0]).toMatchObject({ instance: 'i', sentAt: 1_000 });
    expect(reporter.delivery).toEqual({ delivered: 3, rejected: 0, dropped: 0, pending: 0 });
  });

  it('sends at once when a hundred wait', async () => {
    const { append, sizes } = reporting();
    append(0, 99);
    await settled();
    expect(sizes()).toEqual([]);
    append(99, 100);
    await settled();
    expect(sizes()).toEqual([100]);
  });

  it('sends 500 at a time, and one batch at a time', async () => {
    const answers: ((answer: IngestAnswer) => void)[] = [];
    const sent: IngestRequest[] = [];
    const send = (request: IngestRequest): Promise<IngestAnswer> => {
      sent.push(request);
      return new Promise((resolve) => answers.push(resolve));
    };
    const { append, reporter } = reporting([], { send });
    append(0, 1_200);
    void reporter.flush();
    const sizes: number[] = [];
    while (sizes.length < 3) {
      await settled();
      expect(sent).toHaveLength(sizes.length + 1);
      const { length } = sent.at(-1)!.events;
      sizes.push(length);
      answers.at(-1)?.({ accepted: length, duplicates: 0, rejected: [], agents: [], budgets: [], serverTime: 0 });
    }
    await settled();
    expect(sizes).toEqual([500, 500, 200]);
    expect(reporter.delivery.delivered).toBe(1_200);
  });

  it('keeps a batch below a megabyte', async () => {
    const { reporter, authority } = reporting();
    for (const number of range(0, 700)) reporter.append(numbered(number, 'x'.repeat(2_048)));
    await reporter.flush();
    const bytes = authority.requests.map((request) => JSON.stringify(request.events).length);
    expect(Math.max(...bytes)).toBeLessThan(1_001_000);
    expect(authority.ledger).toEqual(range(0, 700));
  });

  it('makes no tiny batches of a trickle', async () => {
    const { reporter, append, advance, sizes } = reporting([], {
      onAnswer: () => reporter.append(numbered(99)),
    });
    append(0, 10);
    await advance(1_000);
    expect(sizes()).toEqual([10]);
    await advance(1_000);
    expect(sizes()).toEqual([10, 1]);
  });

  it('delivers what was in the buffer before anything happened', async () => {
    const buffer = new MemoryBuffer();
    buffer.append(numbered(7));
    const { advance, authority } = reporting([], { buffer });
    await advance(1_000);
    expect(authority.ledger).toEqual([7]);
  });

  it('tells of each answer and counts dead letters, which are not sent again', async () => {
    const answers: unknown[] = [];
    const authority = new FakeAuthority([], undefined, (at) => at % 2 === 1);
    const onAnswer = (answer: IngestAnswer, batch: { events: readonly WireEvent[] }): void =>
      void answers.push([answer.accepted, numbersOf(batch.events)]);
    const { append, reporter, said } = reporting([], { onAnswer }, authority);
    append(0, 3);
    expect(await reporter.flush()).toEqual({ delivered: 2, rejected: 1, dropped: 0, pending: 0 });
    expect(answers).toEqual([[2, [0, 1, 2]]]);
    expect(said).toEqual(['The backend refused 1 event for good (1 in all). The last one: invalid, at must be even.']);
  });

  it('survives hooks that throw', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { append, reporter } = reporting([], {
      onAnswer: () => {
        throw new Error('mine');
      },
    });
    append(0, 1);
    expect(await reporter.flush()).toMatchObject({ delivered: 1, pending: 0 });
    expect(error).toHaveBeenCalledOnce();
    error.mockRestore();
  });
});

describe('Reporter, when the backend fails', () => {
  it('waits half of 0.5, 1, 2 … 60 seconds with a random figure of a half', async () => {
    const { append, advance, timers, sizes } = reporting(Array<Mood>(9).fill('is down'));
    append(0, 1);
    await advance(1_000);
    const waits: number[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      waits.push(timers.delays[0]!);
      await advance(timers.delays[0]!);
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(sizes()).toHaveLength(10);
  });

  it('starts with short waits again after a success', async () => {
    const { append, advance, timers } = reporting(['is down', 'is down', 'takes it', 'is down']);
    append(0, 1);
    await advance(1_000);
    await advance(250);
    await advance(500);
    append(1, 2);
    await advance(1_000);
    expect(timers.delays).toEqual([250]);
  });

  it('does not send sooner because events come', async () => {
    const { append, advance, sizes } = reporting(['is down']);
    append(0, 1);
    await advance(1_000);
    append(1, 500);
    await advance(249);
    expect(sizes()).toEqual([1]);
    await advance(1);
    expect(sizes()).toEqual([1, 500]);
  });

  it('keeps to Retry-After, also for a flush, but no longer than five minutes', async () => {
    const send = async (request: IngestRequest): Promise<IngestAnswer> => {
      if (authority.requests.length > 0) return authority.send(request);
      authority.requests.push(request);
      throw new BackendError('429', 'throttled', { retryAfterMs: 86_400_000, status: 429, reason: 'daily_limit' });
    };
    const reasons: string[] = [];
    const { append, advance, sizes, reporter, authority, timers } = reporting([], {
      send,
      onRejection: (reason) => reasons.push(reason),
    });
    append(0, 1);
    await advance(1_000);
    const flushed = reporter.flush(1_000);
    await advance(1_000);
    expect(await flushed).toMatchObject({ pending: 1 });
    expect(timers.delays).toEqual([300_250]);
    await advance(299_249);
    expect(sizes()).toEqual([1]);
    await advance(1);
    expect(sizes()).toEqual([1, 1]);
    expect(reasons).toEqual(['daily_limit']);
  });

  it.each<Mood>([
    'answers 500',
    'answers with a page',
    'counts wrongly',
    'throws something else',
    'dies after it has committed',
  ])('that %s: sends it again, and it is stored once', async (mood) => {
    const { append, advance, authority, reporter } = reporting([mood, mood]);
    append(0, 5);
    await advance(1_000);
    expect(reporter.delivery).toMatchObject({ delivered: 0, pending: 5 });
    await advance(60_000);
    expect(reporter.delivery).toEqual({ delivered: 5, rejected: 0, dropped: 0, pending: 0 });
    expect(authority.ledger).toEqual(range(0, 5));
  });

  it('says so of a single event', async () => {
    const { append, advance, said } = reporting(Array<Mood>(8).fill('is down'));
    append(0, 1);
    await advance(60_000);
    expect(said[0]).toContain('ECONNREFUSED. 1 is kept and sent later;');
  });

  it('says so at the third failure, once per outage', async () => {
    const { append, advance, said } = reporting(Array<Mood>(8).fill('is down'));
    append(0, 2);
    await advance(60_000);
    expect(said).toEqual([
      `Events can't be delivered for now: connect ECONNREFUSED. 2 are kept and sent later; limits hold meanwhile.`,
    ]);
  });

  it('says so no more than once a minute where outages follow each other', async () => {
    const outage: Mood[] = [...Array<Mood>(3).fill('is down'), 'takes it'];
    const { append, advance, said, authority } = reporting(Array.from({ length: 10 }, () => outage).flat());
    for (let second = 0; second < 59; second++) {
      append(second, second + 1);
      await advance(1_000);
    }
    expect(authority.requests.length).toBeGreaterThan(20);
    expect(said).toHaveLength(1);
  });

  it('halves a batch that is refused until the culprit is alone, which it gives up', async () => {
    const authority = new FakeAuthority([], (at) => at === 333 || at === 40);
    const { append, reporter, said, sizes } = reporting([], {}, authority);
    append(0, 500);
    expect(await reporter.flush()).toEqual({ delivered: 498, rejected: 2, dropped: 0, pending: 0 });
    expect(authority.ledger).toEqual(range(0, 500).filter((number) => number !== 333 && number !== 40));
    expect(sizes().length).toBeLessThan(40);
    expect(said).toEqual([expect.stringMatching(/refused 1 event for good \(1 in all\).*status 422/)]);
  });

  it('sends all of a batch that is too large in parts', async () => {
    const { append, reporter, authority } = reporting(['takes small batches only', 'takes small batches only']);
    append(0, 12);
    expect(await reporter.flush()).toMatchObject({ delivered: 12, rejected: 0 });
    expect(authority.ledger).toEqual(range(0, 12));
  });
});

describe('Reporter.flush', () => {
  it('works where Promise.withResolvers is missing, as on Node 20', async () => {
    using missing = vi.spyOn(Promise, 'withResolvers');
    const { append, reporter } = reporting();
    append(0, 2);
    expect(await reporter.flush()).toMatchObject({ delivered: 2, pending: 0 });
    expect(missing).not.toHaveBeenCalled();
  });

  it('resolves at once when nothing waits', async () => {
    expect(await reporting().reporter.flush()).toEqual({ delivered: 0, rejected: 0, dropped: 0, pending: 0 });
  });

  it('does not wait for what comes after it', async () => {
    const { append, reporter, authority } = reporting([], { onAnswer: () => append(100, 101) });
    append(0, 3);
    expect(await reporter.flush()).toMatchObject({ delivered: 3, pending: 1 });
    expect(authority.ledger).toEqual([0, 1, 2]);
  });

  it('tries at once although it waits after a failure', async () => {
    const { append, advance, reporter, sizes } = reporting(['is down']);
    append(0, 1);
    await advance(1_000);
    expect(await reporter.flush()).toMatchObject({ delivered: 1 });
    expect(sizes()).toEqual([1, 1]);
  });

  it('holds the process for its time only, and says what is left', async () => {
    const { append, advance, reporter, timers } = reporting(Array<Mood>(99).fill('is down'));
    append(0, 2);
    expect(timers.holding).toEqual([]);
    const flushed = reporter.flush(3_000);
    await settled();
    expect(timers.holding).toEqual([3_000]);
    await advance(3_000);
    expect(await flushed).toEqual({ delivered: 0, rejected: 0, dropped: 0, pending: 2 });
    expect(timers.holding).toEqual([]);
  });

  it('of a closed reporter is its last', async () => {
    const { append, advance, reporter, timers, sizes } = reporting(Array<Mood>(99).fill('is down'));
    append(0, 2);
    const closed = reporter.close(1_000);
    await settled();
    await advance(1_000);
    expect(await closed).toMatchObject({ pending: 2 });
    const attempts = sizes().length;
    append(2, 3);
    await advance(600_000);
    expect(timers.delays).toEqual([]);
    expect(sizes()).toHaveLength(attempts);
  });
});
