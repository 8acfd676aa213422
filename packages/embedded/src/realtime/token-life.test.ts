import { afterAll, beforeAll, expect, it } from 'vitest';
import { listenIn, ORG, OTHER_ORG, startFixture, type RealtimeFixture } from './testing/realtime-fixture.ts';

let at: RealtimeFixture;
beforeAll(async () => {
  // Time passes here without heartbeats.
  at = await startFixture({ limits: { silenceMs: 1e12 } });
});
afterAll(() => at[Symbol.asyncDispose]());

it('closes a channel whose token ends', async () => {
  const { states, system, channel } = await listenIn(at.client(() => at.token(ORG, 60)));
  await channel.send({ type: 'presence', event: 'track', payload: {} });
  at.timers.advance(58_000);
  await at.send({ n: 1 });
  at.timers.advance(2_000);
  expect(await system.next()).toBe('Token has expired');
  expect(await states.next()).toBe('CLOSED');
  expect(at.realtime.stats().channels).toBe(0);
});

it('keeps one whose client brings a new token in time', async () => {
  let seconds = 60;
  const client = at.client(() => at.token(ORG, seconds));
  const { states, messages } = await listenIn(client);
  at.timers.advance(50_000);
  seconds = 120;
  await client.realtime.setAuth();
  // The socket's messages are answered in their order: when this is, the token is known.
  const other = await listenIn(client, 'lobby:after');
  at.timers.advance(50_000);
  await at.send({ n: 2 });
  expect((await messages.next()).payload).toMatchObject({ n: 2 });
  expect(states.all).toEqual(['SUBSCRIBED']);
  at.timers.advance(70_000);
  expect(await states.next()).toBe('CLOSED');
  expect(await other.states.next()).toBe('CLOSED');
});

it.each([
  ['another organisation’s token', () => at.token(OTHER_ORG), /no longer have permissions/],
  ['a token that is over', () => at.token(ORG, -1), /Token has expired/],
  [
    'a forged token',
    () => at.sign({ role: 'authenticated', kavach_org: ORG }, 600, 'x'.repeat(40)),
    /JwtSignatureError/,
  ],
])('closes a channel that is given %s', async (_name, next, why) => {
  let token = () => at.token();
  const client = at.client(() => token());
  const { states, system } = await listenIn(client);
  token = next;
  await client.realtime.setAuth();
  expect(await system.next()).toMatch(why);
  expect(await states.next()).toBe('CLOSED');
});

it('asks the policies again for a new token', async () => {
  const client = at.client(() => at.token(ORG, Math.floor(Math.random() * 300) + 60));
  const { states, system } = await listenIn(client);
  await at.sql.unsafe('alter policy "members read the topic of their organisation" on realtime.messages using (false)');
  await client.realtime.setAuth();
  expect(await system.next()).toMatch(/no longer have permissions/);
  expect(await states.next()).toBe('CLOSED');
});

it('does not ring early for a token of many years', async () => {
  const { states, messages } = await listenIn(at.client(), 'public', { private: false });
  at.timers.advance(30 * 86_400_000);
  await at.send({ n: 1 }, 'note', 'public', false);
  await messages.next();
  expect(states.all).toEqual(['SUBSCRIBED']);
});
