/** 20,000 events through a backend that fails in every way; 100,000 with `KAVACH_LONG=1`. */
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BackendClient } from '../../src/backend/client.ts';
import { openDiskBuffer } from '../../src/node/disk-buffer-open.ts';
import { MemoryBuffer, type EventBuffer } from '../../src/telemetry/buffer.ts';
import { Reporter } from '../../src/telemetry/reporter.ts';
import { systemTimers, type Timers } from '../../src/telemetry/timers.ts';
import type { WireEvent } from '../../src/wire/index.ts';
import { anyEvent, BUDGETS, ledgerOf, random, storedLedger, without } from './nothing-lost-ledger.ts';
import { FAULTS, startFaultyProxy, type Fault, type FaultyProxy } from './nothing-lost-proxy.ts';
import { startKillableBackend, type KillableBackend } from './nothing-lost-world.ts';

const EVENTS = process.env['KAVACH_LONG'] === undefined ? 20_000 : 100_000;
const WRITERS = 4;
const AGENTS = ['a', 'b', 'c'];
/** Of one request; a batch of 500 takes a fortieth of it. */
const TIMEOUT_MS = 2_000;
/** Waiting between attempts, in a fiftieth of the time. */
const quick: Timers = { start: (ms, fn, hold) => systemTimers.start(ms / 50, fn, hold) };

let backend: KillableBackend;
beforeAll(async () => {
  backend = await startKillableBackend();
});
afterAll(() => backend[Symbol.asyncDispose]());
beforeEach(async () => {
  await backend.sql`delete from kavach.events`;
  await backend.sql`delete from kavach.rate_counters`;
  await backend.sql`delete from kavach.agents`;
});

function reporterOf(proxy: FaultyProxy, buffer: EventBuffer) {
  const client = new BackendClient({ url: proxy.url, apiKey: backend.key, timeoutMs: TIMEOUT_MS });
  const send = client.ingest.bind(client);
  return new Reporter({ buffer, instance: crypto.randomUUID(), send, timers: quick, warn: () => undefined });
}

const diskBuffer = (more = {}): EventBuffer =>
  openDiskBuffer({
    account: crypto.randomUUID(),
    instance: crypto.randomUUID(),
    directory: backend.folder,
    warn: () => undefined,
    ...more,
  }).buffer;

async function declareBudgets(): Promise<void> {
  const client = new BackendClient({ url: backend.url, apiKey: backend.key });
  for (const agent of AGENTS)
    await client.connect({ sdk: 'js/0.1.0', instance: crypto.randomUUID(), agent, budgets: BUDGETS });
}

describe('events on their way to a backend that fails', () => {
  it(`all arrive, each once: ${EVENTS} of them`, { timeout: 300_000 }, async () => {
    await declareBudgets();
    // Each fault in turn, and two requests that pass between them: a backoff that only grows would hide the rest.
    const faultOf = (number: number): Fault => (number % 3 === 0 ? FAULTS[(number / 3) % FAULTS.length]! : 'none');
    const requests = (EVENTS / 500) * 1.3;
    const blows = new Map<number, () => void>([
      [Math.round(requests * 0.2), backend.kill],
      [Math.round(requests * 0.4), backend.cutDatabase],
      [Math.round(requests * 0.6), backend.kill],
      [Math.round(requests * 0.8), backend.cutDatabase],
    ]);
    await using proxy = await startFaultyProxy({
      target: () => backend.url,
      faultOf,
      onForwarded: (number) => {
        for (const [at, blow] of blows) {
          if (number < at) continue;
          blows.delete(at);
          blow();
        }
      },
    });
    const next = random(1);
    const made: WireEvent[] = [];
    const write = async (): Promise<void> => {
      const buffer = diskBuffer();
      const reporter = reporterOf(proxy, buffer);
      for (let count = 0; count < EVENTS / WRITERS; count += 1) {
        const event = anyEvent(next, AGENTS);
        made.push(event);
        reporter.append(event);
        if (count % 250 === 0) await setImmediate();
      }
      const delivery = await reporter.close(50 * 280_000);
      expect(delivery).toEqual({ delivered: EVENTS / WRITERS, rejected: 0, dropped: 0, pending: 0 });
      await buffer.close();
    };
    await Promise.all(Array.from({ length: WRITERS }, write));
    await backend.settled();

    const expected = ledgerOf(made);
    const { twice, counted, ...stored } = await storedLedger(backend.sql);
    expect({ twice, missing: without(expected.ids, stored.ids), extra: without(stored.ids, expected.ids) }).toEqual({
      twice: 0,
      missing: [],
      extra: [],
    });
    expect(stored).toEqual(expected);
    expect(counted).toBe(EVENTS);
    expect([...blows.keys()], 'blows that never came').toEqual([]);
    for (const fault of FAULTS) expect(proxy.counts.get(fault) ?? 0, fault).toBeGreaterThan(0);
  });

  it.each<[string, () => EventBuffer]>([
    ['in memory', () => new MemoryBuffer({ maxEvents: 1_000, warn: () => undefined })],
    ['on disk', () => diskBuffer({ maxDiskBytes: 400_000 })],
  ])('are dropped by the bound of the buffer %s alone, and counted', async (_, open) => {
    let isAway = true;
    await using proxy = await startFaultyProxy({
      target: () => backend.url,
      faultOf: (number) => (isAway ? (['reset', 'reset after commit'] as const)[number % 2]! : 'none'),
    });
    const buffer = open();
    const reporter = reporterOf(proxy, buffer);
    const next = random(2);
    const made = Array.from({ length: 4_000 }, () => anyEvent(next, AGENTS));
    for (const [index, event] of made.entries()) {
      reporter.append(event);
      if (index % 250 === 0) await buffer.flush();
    }
    // The batch under way is stored, though nobody here knows.
    await expect.poll(() => proxy.counts.get('reset after commit') ?? 0).toBeGreaterThan(0);
    isAway = false;
    const { delivered, dropped, rejected, pending } = await reporter.close(50 * 30_000);
    await buffer.close();
    expect({ rejected, pending }).toEqual({ rejected: 0, pending: 0 });
    expect(dropped).toBeGreaterThan(500);
    expect(delivered + dropped).toBe(made.length);
    const { ids, twice } = await storedLedger(backend.sql);
    expect({ twice, count: ids.size }).toEqual({ twice: 0, count: made.length - dropped });
    // The newest are kept.
    expect(made.slice(-200).filter(({ id }) => !ids.has(id))).toEqual([]);
  });
});
