/** The whole backend in one process, through the clients that people use. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConnectAnswer } from '@agentkavach/core/wire';
import { createClient, REALTIME_SUBSCRIBE_STATES } from '@supabase/supabase-js';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataFolderInUseError, installAt, removeInstall, type Stack, startStack } from '../src/index.ts';

let dataDir: string;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'kavach-stack-'));
});
afterAll(() => {
  removeInstall(dataDir);
  rmSync(dataDir, { recursive: true, force: true });
});

const client = (stack: Stack) =>
  createClient(stack.url, stack.anonKey, { auth: { persistSession: false, autoRefreshToken: false } });

/** Asks a function with an API key. */
const ask = async (stack: Stack, path: string, key: string) =>
  fetch(`${stack.url}/functions/v1/${path}`, { headers: { authorization: `Bearer ${key}` } });

describe('a started stack', () => {
  let stack: Stack;
  const lines: string[] = [];
  beforeAll(async () => {
    stack = await startStack({ dataDir, log: (line) => lines.push(line) });
  });
  afterAll(() => stack.stop());

  it('answers supabase-js', async () => {
    const { data, error } = await client(stack).functions.invoke('status', { method: 'GET' });
    expect(error).toBeNull();
    expect(data).toMatchObject({ status: 'ok' });
  });

  it('knows its keys, by their hashes only', async () => {
    expect((await ask(stack, 'agents', stack.keys.operator)).status).toBe(200);
    expect((await ask(stack, 'agents', stack.keys.sdk)).status).toBe(403);
    expect(
      (
        await ask(
          stack,
          'agents',
          stack.keys.sdk.replace(/.$/, (end) => (end === 'a' ? 'b' : 'a')),
        )
      ).status,
    ).toBe(401);
    const sql = postgres(stack.databaseUrl, { max: 1 });
    const rows = await sql<
      { org_id: string; scopes: string[]; row: string }[]
    >`select org_id, scopes, api_keys::text as row from kavach.api_keys order by scopes`;
    await sql.end();
    expect(rows.map(({ scopes, org_id }) => [scopes, org_id])).toEqual([
      [['read', 'control', 'admin'], stack.organisation],
      [['sdk'], stack.organisation],
    ]);
    const text = rows.map(({ row }) => row).join();
    for (const key of Object.values(stack.keys)) expect(text).not.toContain(key.slice(14));
  });

  it('signs people up with a code from its outbox and its log', async () => {
    const { auth } = client(stack);
    const email = 'ada@example.com';
    expect((await auth.signUp({ email, password: 'correct horse battery' })).error).toBeNull();
    const [mail]: { to: string; code: string }[] = await (await fetch(`${stack.url}/outbox.json`)).json();
    expect(mail).toMatchObject({ to: email });
    expect(lines.some((line) => line.includes(email) && line.includes(mail!.code))).toBe(true);
    const { data, error } = await auth.verifyOtp({ email, token: mail!.code, type: 'signup' });
    expect(error).toBeNull();
    expect(data.user?.email).toBe(email);
  });

  it('tells an SDK at once that an operator stopped its agent', async () => {
    const connected = await fetch(`${stack.url}/functions/v1/connect`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.keys.sdk}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sdk: 'test', instance: crypto.randomUUID(), agent: 'bot', budgets: [] }),
    });
    const { realtime }: ConnectAnswer = await connected.json();
    const supabase = createClient(stack.url, realtime!.apiKey, { accessToken: async () => realtime!.token });
    await supabase.realtime.setAuth();
    const told = Promise.withResolvers<{ payload: unknown }>();
    const joined = Promise.withResolvers<undefined>();
    supabase
      .channel(realtime!.topic, { config: { private: true } })
      .on('broadcast', { event: 'kill' }, told.resolve)
      .subscribe((state, error) => {
        if (state === REALTIME_SUBSCRIBE_STATES.SUBSCRIBED) joined.resolve(undefined);
        else joined.reject(error ?? new Error(state));
      });
    await joined.promise;
    const killed = await fetch(`${stack.url}/functions/v1/agents/bot/kill`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.keys.operator}` },
    });
    expect(killed.status).toBe(200);
    expect((await told.promise).payload).toMatchObject({ agent: 'bot', killed: true });
    await supabase.removeAllChannels();
  });

  it('tells a second start who holds the folder, and where', async () => {
    const second = startStack({ dataDir });
    await expect(second).rejects.toThrow(DataFolderInUseError);
    await expect(second).rejects.toThrow(`process ${process.pid} holds it`);
    await expect(second).rejects.toThrow(`answers at ${stack.url}`);
    expect(installAt(dataDir)).toEqual({ url: stack.url, keys: stack.keys });
  });

  it('writes no secret to its log', () => {
    const { anonKey, serviceKey, keys, databaseUrl, adminUrl } = stack;
    const secrets = [
      anonKey,
      serviceKey,
      keys.sdk,
      keys.operator,
      ...[databaseUrl, adminUrl].map((url) => new URL(url).password),
    ];
    for (const secret of secrets) expect(lines.join('\n')).not.toContain(secret);
  });
});

describe('the next start', () => {
  it('finds the same keys, organisation and people', async () => {
    await using stack = await startStack({ dataDir });
    expect(installAt(dataDir)?.keys).toEqual(stack.keys);
    expect((await ask(stack, 'agents', stack.keys.operator)).status).toBe(200);
    const signIn = await client(stack).auth.signInWithPassword({
      email: 'ada@example.com',
      password: 'correct horse battery',
    });
    expect(signIn.error).toBeNull();
    const sql = postgres(stack.databaseUrl, { max: 1 });
    expect(await sql`select id from kavach.organizations`).toEqual([{ id: stack.organisation }]);
    await sql.end();
  });

  it('can be given up half-way, and leaves nothing behind', async () => {
    const abort = new AbortController();
    const starting = startStack({ dataDir, signal: abort.signal });
    abort.abort(new Error('changed my mind'));
    await expect(starting).rejects.toThrow('changed my mind');
    const again = await startStack({ dataDir });
    await again.stop();
    await again.stop();
  });

  it('stops what it started when a part of it fails', async () => {
    const taken = await startStack({ dataDir });
    const other = mkdtempSync(join(tmpdir(), 'kavach-stack-'));
    const port = Number(new URL(taken.url).port);
    await expect(startStack({ dataDir: other, port })).rejects.toThrow(`Port ${port} is taken`);
    expect(installAt(other)?.url).toBeUndefined();
    await taken.stop();
    rmSync(other, { recursive: true });
  });
});

describe('a process of its own', () => {
  const run = async (
    how: 'stop' | 'stay',
  ): Promise<{ child: ChildProcess; ended: Promise<unknown>; said: { organisation: string } }> => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', fileURLToPath(new URL('stack-process.ts', import.meta.url)), dataDir, how],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const ended = once(child, 'exit');
    const line = await Promise.race([
      once(child.stdout, 'data').then(([data]) => String(data)),
      ended.then(([code]) => Promise.reject(new Error(`The process ended with ${code}.`))),
    ]);
    return { child, ended, said: JSON.parse(line) };
  };

  it('ends by itself after stop()', async () => {
    const { ended } = await run('stop');
    expect(await ended).toEqual([0, null]);
  });

  it('leaves data that the next one goes on with, also after kill -9', async () => {
    const { child, ended, said } = await run('stay');
    child.kill('SIGKILL');
    await ended;
    await using stack = await startStack({ dataDir });
    expect(stack.organisation).toBe(said.organisation);
  });
});
