import { afterAll, beforeAll, expect, it } from 'vitest';
import { CONTROL, listenIn, PUBLISHABLE, startFixture, type RealtimeFixture } from './testing/realtime-fixture.ts';

let at: RealtimeFixture;
beforeAll(async () => {
  at = await startFixture();
});
afterAll(() => at[Symbol.asyncDispose]());

const PATH = '/realtime/v1/api/broadcast';

async function post(body: unknown, headers: Record<string, string>, path = PATH): Promise<Response> {
  return fetch(at.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}
const message = (payload: object, topic = CONTROL, isPrivate = true) => ({
  topic,
  event: 'kill',
  payload,
  private: isPrivate,
});
const service = async () => ({ authorization: `Bearer ${await at.sign({ role: 'service_role' })}` });

it('sends for the service key', async () => {
  const { messages } = await listenIn(at.client(() => at.token()));
  const answer = await post({ messages: [message({ n: 1 }), message({ n: 2 })] }, await service());
  expect(answer.status).toBe(202);
  expect((await messages.next()).payload).toEqual({ n: 1 });
  expect((await messages.next()).payload).toEqual({ n: 2 });
});

it('works with httpSend, for text and bytes', async () => {
  const { messages } = await listenIn(
    at.client(() => at.token()),
    'lobby:1',
  );
  const { channel } = await listenIn(
    at.client(() => at.token()),
    'lobby:1',
  );
  expect(await channel.httpSend('note/ü', { text: 'hello' })).toEqual({ success: true });
  expect(await messages.next()).toMatchObject({ event: 'note/ü', payload: { text: 'hello' } });
  expect(await channel.httpSend('bytes', Uint8Array.of(1, 2).buffer)).toEqual({ success: true });
  expect(new Uint8Array((await messages.next()).payload as never)).toEqual(Uint8Array.of(1, 2));
  const control = (await listenIn(at.client(() => at.token()))).channel;
  await expect(control.httpSend('kill', { forged: true })).rejects.toThrow(/^Unauthorized/);
  await expect(channel.httpSend('note', {}, { persist: true })).rejects.toThrow(/cannot be stored/);
});

it('asks the policies, and sends all or nothing', async () => {
  const { messages } = await listenIn(at.client(() => at.token()));
  const lobby = await listenIn(
    at.client(() => at.token()),
    'lobby:2',
  );
  const member = { authorization: `Bearer ${await at.token()}` };
  const mixed = { messages: [message({ n: 'no' }, 'lobby:2'), message({ n: 'no' })] };
  expect((await post(mixed, member)).status).toBe(403);
  expect((await post({ messages: [message({ n: 'no' })] }, { apikey: PUBLISHABLE })).status).toBe(403);
  expect((await post({ messages: [message({ n: 'yes' }, 'lobby:2')] }, member)).status).toBe(202);
  expect((await lobby.messages.next()).payload).toEqual({ n: 'yes' });
  expect((await post({ messages: [message({ n: 'public' }, CONTROL, false)] }, { apikey: PUBLISHABLE })).status).toBe(
    202,
  );
  await at.send({ n: 'real' });
  expect((await messages.next()).payload).toMatchObject({ n: 'real' });
});

it('refuses whoever has no key', async () => {
  const body = { messages: [message({ n: 1 }, 'x', false)] };
  for (const headers of [
    {},
    { apikey: 'x' },
    { authorization: 'Bearer x', apikey: PUBLISHABLE },
    { authorization: `Bearer ${await at.sign({ role: 'service_role' }, 600, 'x'.repeat(40))}` },
    { authorization: `Bearer ${await at.sign({ role: 'service_role' }, -1)}` },
  ]) {
    expect((await post(body, headers as Record<string, string>)).status).toBe(401);
  }
});

it('refuses what is not as expected', async () => {
  const headers = await service();
  const many = { messages: Array.from({ length: 101 }, () => message({})) };
  for (const [body, status] of [
    ['{', 400],
    ['', 400],
    ['null', 422],
    [{}, 422],
    [{ messages: [] }, 422],
    [many, 422],
    [{ messages: [message({}, '')] }, 422],
    [{ messages: [message({}, 'ü'.repeat(124))] }, 422],
    [{ messages: [{ ...message({}), event: 'e'.repeat(256) }] }, 422],
    [{ messages: [{ ...message({}), topic: 'a\0b' }] }, 422],
    [{ messages: [{ ...message({}), private: 'yes' }] }, 422],
    ['x'.repeat(1_048_577), 413],
  ] as const) {
    const answer = await post(body, headers);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ error: expect.any(String) });
  }
  expect((await post({}, headers, `${PATH}/%FF/events/x`)).status).toBe(422);
  expect((await post({}, headers, `${PATH}/x`)).status).toBe(404);
  expect((await fetch(at.url + PATH)).status).toBe(405);
  expect(at.reported).toEqual([]);
});

it('leaves other requests, and preflights, to the host', async () => {
  for (const path of ['/', '/realtime/v1/api', `${PATH}ed`, '/realtime/v1/api/tenants']) {
    expect((await fetch(at.url + path)).status).toBe(404);
  }
  expect((await fetch(at.url + PATH, { method: 'OPTIONS' })).status).toBe(404);
});
