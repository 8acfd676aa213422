import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CONTROL,
  listen,
  listenIn,
  ORG,
  OTHER_ORG,
  startFixture,
  type RealtimeFixture,
} from './testing/realtime-fixture.ts';

let at: RealtimeFixture;
beforeAll(async () => {
  at = await startFixture();
});
afterAll(() => at[Symbol.asyncDispose]());

const first = async (...given: Parameters<typeof listen>) => (await listen(...given)).states.next();

describe('a private topic', () => {
  it.each(['1.0.0', '2.0.0'] as const)('lets in whom its policies let read, by protocol %s', async (vsn) => {
    const { messages } = await listenIn(at.client(() => at.token(), { vsn }));
    await at.send({ agent: 'bot', epoch: 7 });
    expect(await messages.next()).toMatchObject({
      event: 'kill',
      payload: { agent: 'bot', epoch: 7 },
      meta: { id: expect.any(String) },
    });
  });

  it('refuses the other organisation', async () => {
    const state = await first(at.client(() => at.token(OTHER_ORG)));
    expect(state).toBe(
      `CHANNEL_ERROR: Unauthorized: You do not have permissions to read from this Channel topic: ${CONTROL}`,
    );
  });

  it('refuses whoever is not signed in', async () => {
    expect(await first(at.client())).toMatch(/^CHANNEL_ERROR: Unauthorized/);
  });

  it.each([
    [
      'a bad signature',
      () => at.sign({ role: 'authenticated', kavach_org: ORG }, 600, 'x'.repeat(40)),
      /JwtSignatureError/,
    ],
    ['a token that is over', () => at.token(ORG, -1), /Token has expired/],
    ['a token of the superuser', () => at.sign({ role: 'supabase_admin', kavach_org: ORG }), /InvalidJWTToken/],
    ['a token of the migrations’ role', () => at.sign({ role: 'postgres' }), /InvalidJWTToken/],
    ['a token without role', () => at.sign({ kavach_org: ORG }), /InvalidJWTToken/],
    [
      'a subject that is no UUID',
      () => at.sign({ role: 'authenticated', sub: 'x', kavach_org: ORG }),
      /InvalidJWTToken/,
    ],
    ['no JWT', async () => 'x', /JwtSignatureError/],
  ])('refuses %s', async (_name, token, why) => {
    expect(await first(at.client(token))).toMatch(why);
  });

  it('takes the service key', async () => {
    const key = await at.sign({ role: 'service_role' });
    const { messages } = await listenIn(at.client(undefined, { key }));
    await at.send({ n: 1 });
    expect((await messages.next()).payload).toMatchObject({ n: 1 });
  });

  it('leaves no rows behind, and no notification', async () => {
    const [{ count: before } = { count: 0 }] = await at.sql`select count(*)::int from realtime.messages`;
    await listenIn(at.client(() => at.token()));
    const [{ count: after } = { count: 0 }] = await at.sql`select count(*)::int from realtime.messages`;
    expect(after).toBe(before);
  });

  it('fails closed where a policy fails, and says no more than that', async () => {
    await at.sql.unsafe(`
      create function public.broken() returns boolean language plpgsql as $$ begin raise 'secret detail'; end $$;
      create policy "broken" on realtime.messages for select to authenticated
        using ((select realtime.topic()) = 'broken' and public.broken());`);
    const reports = at.reported.length;
    const state = await first(
      at.client(() => at.token()),
      'broken',
    );
    expect(state).toBe('CHANNEL_ERROR: DatabaseError: The database could not be asked; try again');
    expect(at.reported.slice(reports)).toEqual([expect.objectContaining({ message: 'secret detail' })]);
    await at.sql.unsafe(`drop policy "broken" on realtime.messages`);
  });
});

describe('public and private topics of one name', () => {
  it('are two rooms', async () => {
    const open = await listenIn(at.client(), CONTROL, { private: false });
    const closed = await listenIn(at.client(() => at.token()));
    await at.send({ n: 'private' });
    await at.send({ n: 'public' }, 'kill', CONTROL, false);
    expect((await open.messages.next()).payload).toMatchObject({ n: 'public' });
    expect((await closed.messages.next()).payload).toMatchObject({ n: 'private' });
    // A client on the public one cannot speak into the private one.
    await open.channel.send({ type: 'broadcast', event: 'kill', payload: { n: 'forged' } });
    await at.send({ n: 'last' });
    expect((await closed.messages.next()).payload).toMatchObject({ n: 'last' });
    expect(open.messages.all).toHaveLength(1);
  });
});

describe('what a join cannot have', () => {
  it('is refused with the reason', async () => {
    const client = at.client(() => at.token());
    expect(await first(client, 'x'.repeat(247))).toMatch(/TopicTooLong/);
    expect(await first(client, 'a\0b')).toMatch(/unmatched topic/);
    const changes = await listen(client, 'lobby:1', {}, (channel) => {
      channel.on('postgres_changes', { event: '*', schema: 'public', table: 'agents' }, () => undefined);
    });
    expect(await changes.states.next()).toMatch(/Postgres changes are not available/);
    expect(await first(client, 'lobby:2', { presence: { key: 'k'.repeat(256) } })).toMatch(/InvalidJoinPayload/);
    expect(await first(client, `lobby:${'x'.repeat(240)}`)).toBe('SUBSCRIBED');
  });
});

it('lets a channel leave and come back', async () => {
  const client = at.client(() => at.token());
  const { channel, states } = await listenIn(client);
  const before = at.realtime.stats();
  expect(await channel.unsubscribe()).toBe('ok');
  expect(await states.next()).toBe('CLOSED');
  const { messages } = await listenIn(client);
  expect(at.realtime.stats()).toEqual(before);
  await at.send({ n: 2 });
  expect((await messages.next()).payload).toMatchObject({ n: 2 });
});

it('reports nothing that a client caused', () => {
  expect(at.reported).toHaveLength(1);
});
