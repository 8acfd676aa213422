/** What a lease costs the hot path: reserve and settle under a shared budget, beside a local one of the same backend. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { admit } from '../../packages/core/src/admission.ts';
import { Budget } from '../../packages/core/src/budget/budget.ts';
import type { CallRequest } from '../../packages/core/src/call.ts';
import { AdjustedClock } from '../../packages/core/src/clock.ts';
import { checkOptions, type KavachOptions } from '../../packages/core/src/config/options.ts';
import { Connection } from '../../packages/core/src/connection.ts';
import { Engine } from '../../packages/core/src/engine.ts';
import { InFlight } from '../../packages/core/src/in-flight.ts';
import { median, type Section } from '../measure.ts';
import type { Host } from './host.ts';

const ROUNDS = 3_000;
const BATCH = 10;
const WARM_UP_ROUNDS = 1_000;
const REQUEST: CallRequest = { provider: 'p', model: 'm', inputTokens: 30, maxOutputTokens: 100 };
const RESULT = { usage: { inputTokens: 20, outputTokens: 1 } };

/** A guard's inside, connected. */
interface Subject {
  /** @returns whether it went through at once */
  readonly run: () => true | Promise<false>;
  close(): Promise<void>;
}

/** Batches of both take turns, and between them the network and the disk do. */
export async function hotPathSection(host: Host): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'kavach-bench-hot-'));
  process.env['AGENTKAVACH_BUFFER_DIR'] = folder;
  const subjects: Record<string, Subject> = {
    local: await subject(host, 'local', Budget.daily(1_000_000)),
    again: await subject(host, 'again', Budget.daily(1_000_000)),
    shared: await subject(host, 'shared', Budget.shared('bench', { limit: 1_000_000, period: 'daily' })),
  };
  const names = Object.keys(subjects);
  const samples = new Map<string, number[]>(names.map((name) => [name, []]));
  let waits = 0;
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    // The first of a round finds the caches cold: each is first in turn.
    for (let place = 0; place < names.length; place += 1) {
      const name = names[(round + place) % names.length] ?? '';
      const run = subjects[name]?.run ?? (() => true);
      let isWhole = true;
      const began = performance.now();
      for (let i = 0; i < BATCH; i += 1) {
        const done = run();
        if (done !== true) isWhole = await done;
      }
      const micros = ((performance.now() - began) / BATCH) * 1_000;
      if (round < WARM_UP_ROUNDS) continue;
      if (isWhole) samples.get(name)?.push(micros);
      else waits += 1;
    }
    if (round % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  for (const { close } of Object.values(subjects)) await close();
  rmSync(folder, { recursive: true, force: true });
  const p50 = (name: string): number => median(samples.get(name) ?? []);
  return {
    title: 'Reserve and settle under a lease (p50)',
    note:
      'Guards that are connected to the backend: each call also writes an event. One budget each; the same local one twice shows the noise. ' +
      `Batches of ${BATCH} calls; those that had to wait for a slice are left out (${waits} of ${ROUNDS}).`,
    figures: [
      { name: 'baseline: local budget', value: p50('local'), unit: 'µs' },
      { name: 'baseline: another local budget, over the first', value: p50('again') / p50('local'), unit: '×' },
      { name: 'shared budget', value: p50('shared'), unit: 'µs' },
      { name: 'shared budget, over the local one', value: p50('shared') / p50('local'), unit: '×', target: 1.1 },
    ],
  };
}

async function subject({ url, keys }: Host, agentName: string, budget: Budget): Promise<Subject> {
  const prices: KavachOptions['prices'] = { m: { inputPerMillion: 0.1, outputPerMillion: 0.1 } };
  const policy = checkOptions({ agentName, budget, prices, url, apiKey: keys.sdk });
  if (policy.backend === undefined) throw new Error('The guard has no backend.');
  const clock = new AdjustedClock(policy.clock);
  const engine = new Engine({ ...policy, clock });
  const connection = new Connection(engine, policy.backend, clock);
  const run = (): true | Promise<false> => {
    const call = admit(engine, REQUEST);
    if (call instanceof InFlight) {
      call.complete(RESULT);
      return true;
    }
    return lent(call);
  };
  // Waits until the backend has said what was spent, and has lent something.
  await run();
  return { run, close: () => connection.close() };
}

/** A call that has to wait until the next slice is there. */
async function lent(waiting: ReturnType<typeof admit>): Promise<false> {
  const call = await waiting;
  if (!(call instanceof InFlight)) throw new Error('The guard is not on.');
  call.complete(RESULT);
  return false;
}
