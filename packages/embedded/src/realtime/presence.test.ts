import { type RealtimeChannel } from '@supabase/supabase-js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Inbox, listenIn, startFixture, type RealtimeFixture } from './testing/realtime-fixture.ts';

let at: RealtimeFixture;
beforeAll(async () => {
  at = await startFixture();
});
afterAll(() => at[Symbol.asyncDispose]());

type State = Record<string, Record<string, unknown>[]>;

/** A member who sees who is there; each sync is one entry. */
async function member(topic: string, key: string, config: object = {}) {
  const syncs = new Inbox<State>();
  const see = (channel: RealtimeChannel) =>
    channel.on('presence', { event: 'sync' }, () =>
      // What a client adds to each entry is left out.
      syncs.add(
        Object.fromEntries(
          Object.entries(channel.presenceState()).map(([name, metas]) => [
            name,
            metas.map(({ presence_ref: _ref, phx_ref_prev: _previous, ...meta }: Record<string, unknown>) => meta),
          ]),
        ),
      ),
    );
  const client = at.client(() => at.token());
  const listening = await listenIn(client, topic, { presence: { key }, ...config }, see);
  return { ...listening, client, syncs };
}

it('shows who comes, changes and goes', async () => {
  const first = await member('lobby:p1', 'first');
  expect(await first.syncs.next()).toEqual({});
  expect(await first.channel.track({ run: 1 })).toBe('ok');
  expect(await first.syncs.next()).toEqual({ first: [{ run: 1 }] });

  const second = await member('lobby:p1', 'second');
  expect(await second.syncs.next()).toEqual({ first: [{ run: 1 }] });
  await second.channel.track({ run: 2 });
  expect(await first.syncs.next()).toEqual({ first: [{ run: 1 }], second: [{ run: 2 }] });

  await second.channel.track({ run: 3 });
  expect(await first.syncs.next()).toEqual({ first: [{ run: 1 }], second: [{ run: 3 }] });

  expect(await first.channel.untrack()).toBe('ok');
  expect(await first.syncs.next()).toEqual({ second: [{ run: 3 }] });

  // A socket that breaks off leaves too.
  await second.client.realtime.disconnect();
  expect(await first.syncs.next()).toEqual({});
});

it('keeps apart who shares a key', async () => {
  const watcher = await member('lobby:p2', 'watcher');
  await watcher.syncs.next();
  const [a, b] = [await member('lobby:p2', 'same'), await member('lobby:p2', 'same')];
  await a.channel.track({ n: 'a' });
  await b.channel.track({ n: 'b' });
  await watcher.syncs.next();
  expect(await watcher.syncs.next()).toEqual({ same: [{ n: 'a' }, { n: 'b' }] });
  await a.channel.unsubscribe();
  expect(await watcher.syncs.next()).toEqual({ same: [{ n: 'b' }] });
});

it('takes names that mean something else to JavaScript', async () => {
  const watcher = await member('lobby:p3', 'watcher');
  await watcher.syncs.next();
  for (const key of ['constructor', 'toString', 'valueOf']) {
    const odd = await member('lobby:p3', key);
    await odd.channel.track({ key });
    const state = await watcher.syncs.next();
    expect(Object.getOwnPropertyDescriptor(state, key)?.value).toEqual([{ key }]);
  }
  const late = await member('lobby:p3', 'late');
  expect(Object.keys(await late.syncs.next())).toEqual(['constructor', 'toString', 'valueOf']);
});

it('needs a policy to be present, and one to see it', async () => {
  await at.sql.unsafe(`
    create policy "everybody signed in reads halls" on realtime.messages for select to authenticated
      using ((select realtime.topic()) = 'hall' and extension = 'broadcast')`);
  const reader = await member('hall', 'reader');
  expect(await reader.channel.track({ n: 1 })).toBe('error');
  const service = at.client(undefined, { key: await at.sign({ role: 'service_role' }) });
  const present = await listenIn(service, 'hall', { presence: { key: 'service', enabled: true } });
  await present.channel.track({ n: 2 });
  await at.send({ n: 3 }, 'note', 'hall');
  await reader.messages.next();
  expect(reader.syncs.all).toEqual([]);
});

it('has room for small things only', async () => {
  const { channel } = await member('lobby:p4', 'large');
  expect(await channel.track({ blob: 'x'.repeat(16_384) })).toBe('error');
  expect(await channel.track({ blob: 'x'.repeat(10_000) })).toBe('ok');
});
