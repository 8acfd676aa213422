import { afterEach, beforeEach, expect, it } from 'vitest';
import { CONTROL, listen, listenIn, startFixture, type RealtimeFixture } from './testing/realtime-fixture.ts';
import { startRealtime } from './index.ts';
import { createServer } from 'node:http';

let at: RealtimeFixture;
beforeEach(async () => {
  at = await startFixture();
});
afterEach(() => at[Symbol.asyncDispose]());

const terminate = (name: string) => at.sql`
  select pg_terminate_backend(pid) from pg_stat_activity
  where application_name = ${name} and datname = current_database() and pid <> pg_backend_pid()`;

it('tells the clients when the connection to the database was lost, and goes on', async () => {
  const client = at.client(() => at.token());
  const [closed, open] = [await listenIn(client), await listenIn(client, 'public', { private: false })];
  expect((await terminate('kavach realtime feed')).length).toBe(1);
  for (const { system, states } of [closed, open]) {
    expect(await system.next()).toMatch(/^The connection to the database was interrupted/);
    expect(await states.next()).toBe('CLOSED');
  }
  // Who has joined again misses nothing.
  const again = await listenIn(client);
  await at.send({ n: 'after' });
  expect((await again.messages.next()).payload['n']).toBe('after');
  expect(at.realtime.stats()).toEqual({ sockets: 1, channels: 1, topics: 1 });
});

it('lets nobody in before what was sent earlier has passed', async () => {
  const client = at.client();
  await listenIn(client, 'other', { private: false });
  await at.send({ n: 'earlier', blob: 'x'.repeat(10_000) }, 'note', 'public', false);
  const [{ id } = { id: '' }] = await at.sql<{ id: string }[]>`select id from realtime.messages where topic = 'public'`;
  let joined: ReturnType<typeof listenIn> | undefined;
  await at.sql.begin(async (sql) => {
    // The feed stops at a row that it cannot read.
    await sql`lock table realtime.messages in access exclusive mode`;
    const notice = { id, t: 'public', e: 'note', p: false, big: true };
    await at.sql`select pg_notify('kavach_realtime', ${JSON.stringify(notice)})`;
    await expect.poll(waiting).toBe(1);
    joined = listenIn(client, 'public', { private: false });
    // Time enough for a join that waits for nothing.
    for (let i = 0; i < 20; i += 1) await at.sql`select 1`;
  });
  const { messages } = (await joined)!;
  await at.send({ n: 'later' }, 'note', 'public', false);
  expect((await messages.next()).payload['n']).toBe('later');
});

async function waiting(): Promise<number> {
  const [row] = await at.sql<{ count: number }[]>`
    select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return row!.count;
}

it('tells the clients when a large message could not be read', async () => {
  const { system, states } = await listenIn(at.client(() => at.token()));
  const notice = { id: crypto.randomUUID(), t: CONTROL, e: 'kill', p: true, big: true };
  await at.sql`alter table realtime.messages rename to hidden`;
  await at.sql`select pg_notify('kavach_realtime', ${JSON.stringify(notice)})`;
  expect(await system.next()).toMatch(/messages may be missed/);
  expect(await states.next()).toBe('CLOSED');
});

it('survives it many times', async () => {
  for (let round = 0; round < 5; round += 1) {
    const { states } = await listenIn(at.client(() => at.token()));
    await terminate('kavach realtime feed');
    expect(await states.next()).toBe('CLOSED');
  }
});

it('refuses a join while the policies cannot be asked, and lets it in when they can', async () => {
  await listenIn(at.client(() => at.token()));
  await at.sql`alter table realtime.messages rename to hidden`;
  const { states } = await listen(at.client(() => at.token()));
  expect(await states.next()).toMatch(/^CHANNEL_ERROR: DatabaseError/);
  await at.sql`alter table realtime.hidden rename to messages`;
  // The client tries again by itself.
  let state = await states.next();
  while (state.startsWith('CHANNEL_ERROR: DatabaseError')) state = await states.next();
  expect(state).toBe('SUBSCRIBED');
});

it('closes channels whose policies cannot be asked for a new token', async () => {
  let seconds = 60;
  const client = at.client(() => at.token(undefined, (seconds += 1)));
  const { system, states } = await listenIn(client);
  await at.sql`alter table realtime.messages rename to hidden`;
  await client.realtime.setAuth();
  expect(await system.next()).toMatch(/^DatabaseError/);
  expect(await states.next()).toBe('CLOSED');
});

it('does not start without its database', async () => {
  const databaseUrl = 'postgres://nobody:x@127.0.0.1:1/none';
  const started = startRealtime({ databaseUrl, jwtSecret: 'x'.repeat(32), apiKeys: {}, server: createServer() });
  await expect(started).rejects.toThrow(/ECONNREFUSED/);
});
