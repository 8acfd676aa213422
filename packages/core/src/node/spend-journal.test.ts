import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { thisProcess } from './node-lock.ts';
import { openPersistedSpend, type PersistedSpend } from './spend-journal-open.ts';
import { SpendJournal } from './spend-journal.ts';

const scratch = mkdtempSync(join(tmpdir(), 'kavach-spend-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let count = 0;
const newPath = (): string => join(scratch, String((count += 1)), 'spend.json');

function opened(path: string): PersistedSpend {
  const answer = openPersistedSpend({ persist: path, agentName: 'a' });
  if ('refused' in answer) throw new Error(answer.refused);
  return answer.opened;
}

const HOUR = 3_600_000;

describe('SpendJournal', () => {
  it('adds within a window, begins anew with a later one, and ignores an earlier one', () => {
    const journal = new SpendJournal({ file: () => undefined });
    journal.add('daily', HOUR, 5);
    journal.add('daily', HOUR, 6);
    expect(journal.load().get('daily')).toEqual({ windowStart: HOUR, spent: 11 });
    journal.add('daily', 2 * HOUR, 1);
    journal.add('daily', HOUR, 100);
    expect(journal.load().get('daily')).toEqual({ windowStart: 2 * HOUR, spent: 1 });
    journal.add('total', null, 3);
    journal.add('total', null, 4);
    expect(journal.load().get('total')).toEqual({ windowStart: null, spent: 7 });
  });

  it('takes the authority’s total, and what it does not count yet on top', () => {
    const journal = new SpendJournal({ file: () => undefined });
    journal.add('daily', HOUR, 5);
    journal.set('daily', HOUR, 100, 2);
    journal.add('daily', HOUR, 1);
    expect(journal.load().get('daily')?.spent).toBe(103);
    journal.set('daily', 0, 9);
    expect(journal.load().get('daily')?.spent).toBe(103);
  });

  it('counts what the backend knew once, and what each process added on top', async () => {
    const paths = [newPath(), newPath()];
    for (const path of paths) {
      const { journal, close } = opened(path);
      journal.set('daily', HOUR, 100);
      journal.add('daily', HOUR, 7);
      close();
    }
    const path = newPath();
    const { journal, close } = opened(path);
    journal.set('daily', HOUR, 90, 1);
    journal.merge([...paths, newPath()]);
    expect(journal.load().get('daily')?.spent).toBe(115);
    await journal.flush();
    close();
    for (const merged of paths) expect(() => statSync(merged)).toThrow(/ENOENT/);
    expect(opened(path).journal.load().get('daily')?.spent).toBe(115);
  });

  it('knows also what lies with another one of the process, until the authority counts it', () => {
    const path = newPath();
    const before = opened(path);
    before.journal.add('theirs', HOUR, 4);
    before.journal.add('mine', HOUR, 1);
    before.close();
    const family = new Set<SpendJournal>();
    const first = new SpendJournal({ file: () => undefined, family });
    first.merge([path]);
    first.add('mine', HOUR, 2);
    const second = new SpendJournal({ file: () => undefined, family });
    second.add('theirs', HOUR, 1);
    expect(second.load().get('theirs')?.spent).toBe(5);
    second.set('theirs', HOUR, 5);
    expect(second.load().get('theirs')?.spent).toBe(5);
    // What the other one has spent itself is its own to tell.
    second.set('mine', HOUR, 1);
    expect(second.load().get('mine')?.spent).toBe(4);
    first.close();
    expect(second.load().get('mine')?.spent).toBe(1);
  });

  it('forgets what has not spent for longest when there are too many', () => {
    const journal = new SpendJournal({ file: () => undefined, maxEntries: 2 });
    journal.add('a', null, 1);
    journal.add('b', null, 1);
    journal.add('a', null, 1);
    journal.add('c', null, 1);
    expect([...journal.load().keys()]).toEqual(['a', 'c']);
  });

  it('is, after any history and restarts, what a plain map would be', async () => {
    const step = fc.oneof(
      fc.constant('restart' as const),
      fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 1e12 })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const path = newPath();
        const model = new Map<string, { windowStart: number; spent: number }>();
        let spend = opened(path);
        for (const each of steps) {
          if (each === 'restart') {
            spend.close();
            spend = opened(path);
            continue;
          }
          const [key, windowStart, amount] = each;
          spend.journal.add(key, windowStart, amount);
          const old = model.get(key);
          if (!old || old.windowStart < windowStart) model.set(key, { windowStart, spent: amount });
          else if (old.windowStart === windowStart) old.spent += amount;
        }
        expect(spend.journal.load()).toEqual(model);
        spend.close();
      }),
      { numRuns: 50 },
    );
  });

  it('warns of a file that is none, and counts from zero', () => {
    const path = newPath();
    opened(path).close();
    writeFileSync(path, '{"totals":[["a",1,"2",3]]}');
    const said: string[] = [];
    const answer = openPersistedSpend({ persist: path, agentName: 'a', warn: (message) => said.push(message) });
    expect(said).toEqual([expect.stringContaining('It is not counted')]);
    if ('opened' in answer) answer.opened.close();
  });

  it('warns once when it can’t write, and goes on', async () => {
    const said: string[] = [];
    const journal = new SpendJournal({
      file: () => join(scratch, 'missing', 'x'),
      warn: (message) => said.push(message),
    });
    journal.add('a', null, 1);
    await journal.flush();
    journal.add('a', null, 1);
    await journal.flush();
    journal.close();
    expect(said).toEqual([expect.stringMatching(/can't be written.*ENOENT/)]);
    expect(journal.load().get('a')?.spent).toBe(2);
  });
});

describe('openPersistedSpend', () => {
  it('refuses a second holder and names the process', () => {
    const path = newPath();
    const first = opened(path);
    const answer = openPersistedSpend({ persist: path, agentName: 'a' });
    expect(answer).toEqual({ refused: expect.stringContaining(`${path} is in use by process ${process.pid}`) });
    first.close();
    opened(path).close();
  });

  it('says what is wrong with a path that can’t be used', () => {
    const file = newPath();
    opened(file).close();
    writeFileSync(file, '{}');
    const answer = openPersistedSpend({ persist: join(file, 'x'), agentName: 'a' });
    expect(answer).toEqual({ refused: expect.stringMatching(/can't be used: .*(EEXIST|ENOTDIR)/) });
  });

  it('writes for this user alone, and leaves one lock file', () => {
    const path = newPath();
    for (let round = 0; round < 3; round += 1) {
      const { journal, close } = opened(path);
      journal.add('a', null, 1);
      close();
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(path, '..'))).toEqual(['spend.json', 'spend.json.lock-3']);
  });

  const child = (path: string, code: string) => {
    const module = JSON.stringify(new URL('./spend-journal-open.ts', import.meta.url).href);
    const script = `
      import { openPersistedSpend } from ${module};
      const answer = openPersistedSpend({ persist: ${JSON.stringify(path)}, agentName: 'a' });
      ${code}`;
    return spawn(process.execPath, ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  };

  it('goes on from what a process had spent that was killed', async () => {
    const path = newPath();
    const dead = child(
      path,
      `answer.opened.journal.add('daily', 1, 42); await answer.opened.journal.flush(); console.log('now'); setInterval(() => {}, 1e6);`,
    );
    await once(dead.stdout, 'data');
    const refused = openPersistedSpend({ persist: path, agentName: 'a' });
    expect(refused).toEqual({ refused: expect.stringContaining(`process ${dead.pid}`) });
    dead.kill('SIGKILL');
    await once(dead, 'exit');
    const { journal, close } = opened(path);
    expect(journal.load().get('daily')).toEqual({ windowStart: 1, spent: 42 });
    close();
  });

  it('writes at an exit without a flush', async () => {
    const path = newPath();
    await once(child(path, `answer.opened.journal.add('daily', 1, 42); process.exit(0);`), 'exit');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ version: 1, totals: [['daily', 1, 0, 42]] });
  });

  it('lets one of several win that find a dead holder at once', async () => {
    const dead = spawn(process.execPath, ['--eval', '']);
    await once(dead, 'exit');
    const paths = Array.from({ length: 60 }, newPath);
    for (const path of paths) {
      opened(path).close();
      writeFileSync(`${path}.lock-1`, JSON.stringify({ ...thisProcess(), pid: dead.pid }));
    }
    const code = `process.stdin.once('data', () => {
        const open = (persist) => 'opened' in openPersistedSpend({ persist, agentName: 'a', timers: { start: () => () => {} } });
        console.log(JSON.stringify(${JSON.stringify(paths)}.filter(open)));
      });
      console.log('ready');`;
    const racers = Array.from({ length: 3 }, () => child(newPath(), code));
    await Promise.all(racers.map(({ stdout }) => once(stdout, 'data')));
    for (const { stdin } of racers) stdin.write('go');
    const won = await Promise.all(racers.map(async ({ stdout }) => JSON.parse(String((await once(stdout, 'data'))[0])) as string[])); // prettier-ignore
    for (const racer of racers) racer.kill('SIGKILL');
    expect(won.flat().sort()).toEqual(paths.sort());
  });

  it('takes a lock from another place that nobody has touched for two minutes', () => {
    const path = newPath();
    opened(path).close();
    const lock = `${path}.lock-1`;
    writeFileSync(lock, JSON.stringify({ pid: 4_711, started: '1', place: 'elsewhere' }));
    const answer = openPersistedSpend({ persist: path, agentName: 'a' });
    expect(answer).toEqual({ refused: expect.stringContaining('process 4711') });
    const long = new Date(Date.now() - 121_000);
    utimesSync(lock, long, long);
    opened(path).close();
  });
});
