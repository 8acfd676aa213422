import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONTROL, listenIn, startFixture, type RealtimeFixture } from './testing/realtime-fixture.ts';

let at: RealtimeFixture;
beforeAll(async () => {
  at = await startFixture();
});
afterAll(() => at[Symbol.asyncDispose]());

const member = (vsn: '1.0.0' | '2.0.0' = '2.0.0') => at.client(() => at.token(), { vsn });
const broadcast = (payload: unknown, event = 'note') => ({ type: 'broadcast', event, payload }) as const;

describe('a client’s broadcast', () => {
  it.each([
    ['1.0.0', '2.0.0'],
    ['2.0.0', '1.0.0'],
  ] as const)('reaches the others where the policies let it write, from %s to %s', async (from, to) => {
    const [sender, receiver] = [await listenIn(member(from), 'lobby:a'), await listenIn(member(to), 'lobby:a')];
    await sender.channel.send(broadcast({ text: 'नमस्ते 🙏' }));
    expect(await receiver.messages.next()).toMatchObject({ event: 'note', payload: { text: 'नमस्ते 🙏' } });
    expect(sender.messages.all).toEqual([]);
  });

  it('carries bytes', async () => {
    const [sender, receiver] = [await listenIn(member(), 'lobby:b'), await listenIn(member(), 'lobby:b')];
    const old = await listenIn(member('1.0.0'), 'lobby:b');
    await sender.channel.send(broadcast(Uint8Array.of(0, 1, 255).buffer));
    await sender.channel.send(broadcast({ text: 'after' }));
    expect(new Uint8Array((await receiver.messages.next()).payload as never)).toEqual(Uint8Array.of(0, 1, 255));
    // JSON has no bytes: a client of the old protocol gets the next message only.
    expect((await old.messages.next()).payload).toEqual({ text: 'after' });
  });

  it('goes nowhere without a write policy', async () => {
    const [sender, receiver] = [await listenIn(member()), await listenIn(member())];
    expect(await sender.channel.send(broadcast({ forged: true }, 'kill'))).toBe('ok');
    const strict = await listenIn(member(), CONTROL, { broadcast: { ack: true } });
    expect(await strict.channel.send(broadcast({ forged: true }, 'kill'))).toBe('error');
    await at.send({ real: true });
    expect((await receiver.messages.next()).payload).toMatchObject({ real: true });
  });

  it('is acknowledged, and comes back to the sender, where it wants that', async () => {
    const sender = await listenIn(member(), 'lobby:c', { broadcast: { ack: true, self: true } });
    expect(await sender.channel.send(broadcast({ n: 1 }))).toBe('ok');
    expect((await sender.messages.next()).payload).toEqual({ n: 1 });
  });

  it('cannot be stored', async () => {
    const sender = await listenIn(member(), 'lobby:d');
    const stored = await sender.channel.send({ ...broadcast({ n: 1 }), persist: true });
    expect(stored).toBe('ok'); // without acknowledgement the client does not wait
    const strict = await listenIn(member(), 'lobby:e', { broadcast: { ack: true } });
    expect(await strict.channel.send({ ...broadcast({ n: 1 }), persist: true })).toBe(
      'Messages cannot be stored from a client here',
    );
  });
});

describe('a broadcast from the database', () => {
  it('keeps its order, also where one is too large for a notification', async () => {
    const { messages } = await listenIn(member());
    await Promise.all([at.sql`select 1`, at.sql`select 1`]);
    await at.sql.begin(async (sql) => {
      for (const n of [1, 2, 3, 4, 5, 6]) {
        const payload = { n, ...(n % 2 && { blob: 'x'.repeat(20_000) }) };
        await sql`select realtime.send(${sql.json(payload)}, 'kill', ${CONTROL}, true)`;
      }
    });
    for (const n of [1, 2, 3, 4, 5, 6]) expect((await messages.next()).payload['n']).toBe(n);
    expect((messages.all[0]!.payload['blob'] as string).length).toBe(20_000);
  });

  it('does not come where its transaction is rolled back', async () => {
    const { messages } = await listenIn(member());
    await at.sql
      .begin(async (sql) => {
        await sql`select realtime.send('{"n": "never"}', 'kill', ${CONTROL}, true)`;
        throw new Error('no');
      })
      .catch(() => undefined);
    await at.send({ n: 'sent' });
    expect((await messages.next()).payload['n']).toBe('sent');
  });

  it('reaches who reads presence only, with nothing', async () => {
    await at.sql.unsafe(`
      create policy "everybody sees who is in a hall" on realtime.messages for select to anon
        using ((select realtime.topic()) = 'hall' and extension = 'presence')`);
    const { messages } = await listenIn(at.client(), 'hall');
    const reader = await listenIn(at.client(undefined, { key: await at.sign({ role: 'service_role' }) }), 'hall');
    await at.send({ n: 1 }, 'note', 'hall');
    await reader.messages.next();
    expect(messages.all).toEqual([]);
  });

  it('takes an event with a name that the binary frame has no room for', async () => {
    const { messages } = await listenIn(member());
    await at.send({ n: 1 }, 'e'.repeat(300));
    expect((await messages.next()).event).toHaveLength(300);
  });

  it('is not confused by other notifications', async () => {
    const { messages } = await listenIn(member());
    const before = at.reported.length;
    for (const text of ['', '{', 'null', '[]', '{"t":1}', `{"t":"${CONTROL}","e":"kill","p":true,"d":{}}`]) {
      await at.sql`select pg_notify('kavach_realtime', ${text})`;
    }
    const gone = { id: crypto.randomUUID(), t: CONTROL, e: 'kill', p: true, big: true };
    await at.sql`select pg_notify('kavach_realtime', ${JSON.stringify(gone)})`;
    await at.send({ n: 'real' });
    expect((await messages.next()).payload['n']).toBe('real');
    expect(at.reported.length - before).toBe(7);
  });
});

describe('replay', () => {
  it.each(['1.0.0', '2.0.0'] as const)(
    'gives what was sent before the join, oldest first, by protocol %s',
    async (vsn) => {
      const topic = `lobby:replay-${vsn}`;
      await at.send({ n: 'too old' }, 'kill', topic);
      await at.sql`update realtime.messages set inserted_at = inserted_at - interval '1 hour' where topic = ${topic}`;
      for (const n of [1, 2, 3]) await at.send({ n }, 'kill', topic);
      await at.send({ n: 'public' }, 'kill', topic, false);
      const replay = { since: Date.now() - 60_000, limit: 2 };
      const { messages } = await listenIn(member(vsn), topic, { broadcast: { replay } });
      const [second, third] = [await messages.next(), await messages.next()];
      expect([second, third]).toMatchObject([
        { event: 'kill', payload: { n: 2 }, meta: { replayed: true, id: expect.any(String) } },
        { event: 'kill', payload: { n: 3 }, meta: { replayed: true } },
      ]);
      await at.send({ n: 4 }, 'kill', topic);
      const live = await messages.next();
      expect(live.payload['n']).toBe(4);
      expect(live.meta?.replayed).toBeUndefined();
    },
  );

  it('gives each message once, also those that are sent during the join', async () => {
    const topic = 'lobby:race';
    const replay = { since: Date.now() - 60_000, limit: 25 };
    const sending = (async () => {
      for (let n = 0; n < 20; n += 1) await at.send({ n }, 'kill', topic);
    })();
    const joined = await Promise.all([1, 2, 3].map(() => listenIn(member(), topic, { broadcast: { replay } })));
    await sending;
    await at.send({ n: 20 }, 'kill', topic);
    for (const { messages } of joined) {
      while ((await messages.next()).payload['n'] !== 20);
      expect(messages.all.map(({ payload }) => payload['n'])).toEqual(Array.from({ length: 21 }, (_, n) => n));
    }
  });

  it('gives at most 25', async () => {
    const topic = 'lobby:many';
    for (let n = 0; n < 30; n += 1) await at.send({ n }, 'kill', topic);
    const replay = { since: Date.now() - 60_000, limit: 1_000 };
    const { messages } = await listenIn(member(), topic, { broadcast: { replay } });
    await at.send({ n: 30 }, 'kill', topic);
    while ((await messages.next()).payload['n'] !== 30);
    expect(messages.all.map(({ payload }) => payload['n'])).toEqual(Array.from({ length: 26 }, (_, n) => n + 5));
  });
});
