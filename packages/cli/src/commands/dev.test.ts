import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeInstall } from '@agentkavach/embedded';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { program } from '../testing/program.ts';
import { run } from '../testing/terminal.ts';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'kavach-dev-'));
});
afterAll(() => {
  removeInstall(join(cwd, '.kavach'));
  rmSync(cwd, { recursive: true, force: true });
});

interface Started {
  readonly url: string;
  readonly keys: { readonly sdk: string; readonly operator: string };
  readonly databaseUrl: string;
  readonly dataDir: string;
}

/** The server of a data folder, as long as it runs. */
const postmaster = (): number =>
  Number(readFileSync(join(cwd, '.kavach/postgres/postmaster.pid'), 'utf8').split('\n')[0]);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('dev', () => {
  it('prints what an app and a person need, and Ctrl-C leaves nothing running', async () => {
    const dev = program(cwd, 'dev', '--port', '0');
    await dev.line('Ctrl-C stops it');
    const text = dev.out.join('\n');
    const url = /^ {2}export AGENTKAVACH_URL=(http:\/\/127\.0\.0\.1:\d+)$/m.exec(text)?.[1] ?? '';
    const key = /^ {2}export AGENTKAVACH_API_KEY=(ak_dev_\w{44})$/m.exec(text)?.[1];
    expect(text).toMatch(/^ {2}export AGENTKAVACH_AGENT_NAME=my-agent$/m);
    expect(text).toContain('AgentKavach is running (first start, ');
    expect(text).toContain(`  SDK key       ${key}\n  Operator key  ak_dev_`);
    expect(text).toMatch(/^ {2}Anon key {6}eyJ[\w.-]+$/m);
    expect(text).toContain(`  Outbox        ${url}/outbox\n  Database      postgres://postgres:`);
    expect(readFileSync(join(cwd, '.kavach/.gitignore'), 'utf8')).toBe('*\n');
    expect((await run({ cwd }, 'status')).exit).toBe(0);

    const second = await run({ cwd }, 'dev');
    expect(second.exit).toBe(1);
    expect(second.err).toMatch(new RegExp(`process ${dev.child.pid} holds it since .* and answers at ${url}\\.`));
    const reset = await run({ cwd }, 'dev', '--reset', '--json');
    expect(JSON.parse(reset.out)).toMatchObject({ error: { code: 'data_folder_in_use' } });

    const server = postmaster();
    expect(isAlive(server)).toBe(true);
    dev.child.kill('SIGINT');
    expect(await dev.ended).toEqual([0, null]);
    expect(dev.out.at(-1)).toBe('Stopping …');
    expect(dev.err).toEqual([]);
    expect(isAlive(server)).toBe(false);
    expect((await run({ cwd }, 'status')).exit).toBe(3);
  });

  it('prints one document for programs, keeps its keys, and ends with a closed terminal too', async () => {
    const dev = program(cwd, 'dev', '--port', '0', '--json');
    const started = JSON.parse(await dev.line('{')) as Started;
    const secrets = JSON.parse(readFileSync(join(cwd, '.kavach/secrets.json'), 'utf8')) as Started;
    expect(started.keys).toEqual(secrets.keys);
    const server = postmaster();

    const port = Number(new URL(started.url).port);
    const taken = await run({ cwd }, 'dev', '--data', 'other', '--port', String(port));
    expect([taken.exit, taken.err]).toEqual([
      1,
      `Port ${port} is taken by another program. Choose another with --port, or leave it out.`,
    ]);

    dev.child.kill('SIGHUP');
    expect(await dev.ended).toEqual([0, null]);
    expect(dev.out).toHaveLength(1);
    expect(isAlive(server)).toBe(false);
  });

  it('starts anew with --reset, and leaves files of others alone', async () => {
    const before = (JSON.parse(readFileSync(join(cwd, '.kavach/secrets.json'), 'utf8')) as Started).keys;
    writeFileSync(join(cwd, '.kavach/notes.txt'), 'mine');
    const dev = program(cwd, 'dev', '--reset', '--port', '0', '--json');
    const { keys } = JSON.parse(await dev.line('{')) as Started;
    expect(keys.sdk).not.toBe(before.sdk);
    expect(dev.err[0]).toBe(`Removed the data in ${join(cwd, '.kavach')}.`);
    dev.child.kill('SIGTERM');
    expect(await dev.ended).toEqual([0, null]);
    expect(existsSync(join(cwd, '.kavach/notes.txt'))).toBe(true);
  });

  it('hides no folder from git that held other things before', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kavach-dev-'));
    const dev = program(cwd, 'dev', '--data', folder, '--port', '0', '--json');
    await dev.line('{');
    dev.child.kill('SIGINT');
    await dev.ended;
    expect(existsSync(join(folder, '.gitignore'))).toBe(false);
    removeInstall(folder);
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes another port where the usual one is taken', async () => {
    const blocker = createServer().listen(54_330, '127.0.0.1');
    // Where something else has the port already, that will do.
    await Promise.race([once(blocker, 'listening'), once(blocker, 'error')]).catch(() => undefined);
    const dev = program(cwd, 'dev');
    expect(await dev.line('another one is used')).toBe(
      'Port 54330 is taken, so another one is used. Name one with --port to keep it.',
    );
    const line = await dev.line('export AGENTKAVACH_URL=');
    expect(line).not.toContain('54330');
    dev.child.kill('SIGINT');
    expect(await dev.ended).toEqual([0, null]);
    if (blocker.listening) blocker.close();
  });
});

describe('the program', () => {
  it('ends when nobody reads its output any more', async () => {
    const dev = program(cwd, 'dev', '--port', '0', '--json');
    await dev.line('{');
    const tail = program(cwd, 'tail', '--json', '--interval', '0.1');
    const connect = { sdk: 'test', instance: crypto.randomUUID(), agent: 'bot', budgets: [] };
    const { url, keys } = JSON.parse(dev.out[0]!) as Started;
    const post = async (path: string, body: unknown) =>
      fetch(`${url}/functions/v1/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${keys.sdk}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const event = () => ({
      ...{ id: crypto.randomUUID(), agent: 'bot', runId: 'r', at: Date.now(), type: 'denied', code: 'x' },
    });
    await post('connect', connect);
    const ingest = () => post('ingest', { instance: connect.instance, sentAt: Date.now(), events: [event()] });
    await ingest();
    await tail.line('denied');
    tail.child.stdout?.destroy();
    await ingest();
    expect((await tail.ended)[0]).toBe(0);
    expect(tail.err).toEqual([]);
    dev.child.kill('SIGINT');
    await dev.ended;
  });
});
