/** Guards in processes that are killed, and others in their place that deliver what those left behind. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { FAULTS, startFaultyProxy, type Fault } from './nothing-lost-proxy.ts';
import { startKillableBackend, startProgram, type KillableBackend } from './nothing-lost-world.ts';

let backend: KillableBackend;
beforeAll(async () => {
  backend = await startKillableBackend();
});
afterAll(() => backend[Symbol.asyncDispose]());

const processes: { kill(signal: 'SIGKILL'): boolean }[] = [];
afterEach(async () => {
  for (const child of processes.splice(0)) child.kill('SIGKILL');
  await backend.sql`delete from kavach.events`;
  await backend.sql`delete from kavach.agents`;
});

/** A worker that makes calls with so many input tokens each: `from` to `to`. */
async function startWorker(url: string, folder: string, from: number, to: number, more: Record<string, string> = {}) {
  const env = {
    URL: url,
    KEY: backend.key,
    AGENTKAVACH_BUFFER_DIR: folder,
    FROM: String(from),
    TO: String(to),
    ...more,
  };
  const worker = await startProgram('nothing-lost-agent.ts', env);
  processes.push(worker.child);
  return worker;
}

/** The calls that are on disk, by their input tokens: whole lines only. */
function onDisk(folder: string): Set<number> {
  const numbers = new Set<number>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.jsonl')) continue;
    const lines = readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1);
    for (const line of lines) numbers.add(Number(/"inputTokens":(\d+)/.exec(line)?.[1]));
  }
  return numbers;
}

async function inPostgres(): Promise<number[]> {
  const rows = await backend.sql<{ number: number }[]>`
    select input_tokens::int as number from kavach.events order by input_tokens`;
  return rows.map(({ number }) => number);
}

/** What the backend says was spent, in thousandths of a dollar: by the roll-up, by the budget and by the runs. */
async function spent(): Promise<unknown> {
  const [row] = await backend.sql`
    select (select (sum(cost) * 1000)::text from kavach.daily_spend) as daily,
      (select (sum(spent) * 1000)::text from kavach.budget_windows) as budget,
      (select (sum(cost) * 1000)::text from kavach.runs) as runs`;
  return row;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const sums = (numbers: readonly number[]) => {
  const sum = `${numbers.reduce((one, other) => one + other, 0)}.000000000`;
  return { daily: sum, budget: sum, runs: sum };
};
/** A guard waits ten seconds for an answer that does not come. */
const QUICK = FAULTS.filter((fault) => fault !== 'too slow');
/** Each fault in turn, and one request that passes after each. */
const inTurn = (number: number): Fault => (number % 2 === 0 ? 'none' : QUICK[((number - 1) / 2) % QUICK.length]!);

it('delivers what a killed process had on disk while the backend was away', { timeout: 120_000 }, async () => {
  let isAway = true;
  await using proxy = await startFaultyProxy({
    target: () => backend.url,
    faultOf: (number) => (isAway ? 'reset' : inTurn(number)),
  });
  const folder = join(backend.folder, 'away');
  const first = await startWorker(proxy.url, folder, 1, 1_500);
  while ((await first.line()) !== 'made');
  await expect.poll(() => onDisk(folder).size, { timeout: 20_000 }).toBe(1_500);
  first.child.kill('SIGKILL');
  await first.ended;
  isAway = false;
  const second = await startWorker(proxy.url, folder, 1_501, 2_000, { END: 'yes' });
  expect(await second.ended).toEqual([0, null]);
  const numbers = await inPostgres();
  expect(numbers).toEqual(range(1, 2_000));
  expect(await spent()).toEqual(sums(numbers));
  expect(onDisk(folder)).toEqual(new Set());
});

it('delivers once what a process was killed with in the middle of its work', { timeout: 120_000 }, async () => {
  await using proxy = await startFaultyProxy({
    target: () => backend.url,
    faultOf: (number) => inTurn(number + 6),
    onForwarded: (number) => {
      // Its answer finds nobody.
      if (number === 6) first.child.kill('SIGKILL');
    },
  });
  const folder = join(backend.folder, 'busy');
  const first = await startWorker(proxy.url, folder, 1, 5_000);
  let said = 0;
  for await (const line of linesOf(first.line)) if (line !== 'made') said = Number(line);
  await first.ended;
  const kept = onDisk(folder);
  const before = await inPostgres();
  const survivors = [...new Set([...before, ...kept])].sort((one, other) => one - other);
  // No holes: only the last moment can be missing.
  expect(survivors.filter((number, index) => number !== index + 1).slice(0, 5)).toEqual([]);
  expect(survivors.length).toBeGreaterThan(0);
  expect(survivors.length).toBeLessThanOrEqual(said + 100);

  const second = await startWorker(proxy.url, folder, 5_001, 5_100, { END: 'yes' });
  expect(await second.ended).toEqual([0, null]);
  const numbers = await inPostgres();
  const expected = [...survivors, ...range(5_001, 5_100)];
  expect(numbers).toEqual(expected);
  expect(await spent()).toEqual(sums(numbers));
});

/** Lines until the process has ended. */
async function* linesOf(line: () => Promise<string>): AsyncGenerator<string> {
  for (;;) {
    try {
      yield await line();
    } catch {
      return;
    }
  }
}
