import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Inbox, listenIn, PUBLISHABLE, startFixture, type RealtimeFixture } from './testing/realtime-fixture.ts';

let at: RealtimeFixture;
beforeAll(async () => {
  at = await startFixture({ limits: { channelsPerSocket: 3, joinsPerSecond: 5, messagesPerSecond: 50 } });
});
afterAll(() => at[Symbol.asyncDispose]());

/** A socket without the manners of the SDK. */
async function raw({ url } = at) {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${PUBLISHABLE}&vsn=2.0.0`);
  const messages = new Inbox<unknown[]>();
  ws.on('message', (data: Buffer, binary) =>
    messages.add(binary ? [data] : (JSON.parse(data.toString()) as unknown[])),
  );
  const closing = Promise.withResolvers<number>();
  ws.on('close', (code) => closing.resolve(code));
  await once(ws, 'open');
  let ref = 0;
  return {
    ws,
    messages,
    closed: closing.promise,
    push: (topic: string, event: string, payload: unknown = {}, joinRef = '1') =>
      ws.send(JSON.stringify([joinRef, String((ref += 1)), topic, event, payload])),
    async end() {
      ws.close();
      await closing.promise;
    },
  };
}
const reply = async (socket: Awaited<ReturnType<typeof raw>>) => (await socket.messages.next())[4];

describe('a socket', () => {
  it('joins so many channels, and a left one makes room', async () => {
    const socket = await raw();
    for (const n of [1, 2, 3]) {
      socket.push(`realtime:${n}`, 'phx_join');
      expect(await reply(socket)).toMatchObject({ status: 'ok' });
    }
    socket.push('realtime:4', 'phx_join');
    expect(await reply(socket)).toMatchObject({ status: 'error', response: { reason: /^ChannelRateLimitReached/ } });
    socket.push('realtime:1', 'phx_leave');
    expect(await reply(socket)).toMatchObject({ status: 'ok' });
    expect(await socket.messages.next()).toMatchObject({ 2: 'realtime:1', 3: 'phx_close' });
    socket.push('realtime:4', 'phx_join');
    expect(await reply(socket)).toMatchObject({ status: 'ok' });
    await socket.end();
  });

  it('joins so often in a second', async () => {
    at.timers.advance(1_000);
    const socket = await raw();
    const answers: unknown[] = [];
    // Each join of the same topic ends the one before.
    for (let n = 0; n < 6; n += 1) {
      socket.push('realtime:again', 'phx_join', {}, String(n));
      let message = await socket.messages.next();
      while (message[3] === 'phx_close') message = await socket.messages.next();
      answers.push(message[4]);
    }
    expect(answers.slice(0, 5)).toEqual(Array(5).fill({ status: 'ok', response: { postgres_changes: [] } }));
    expect(answers[5]).toMatchObject({ status: 'error', response: { reason: /^ClientJoinRateLimitReached/ } });
    at.timers.advance(1_000);
    socket.push('realtime:again', 'phx_join');
    expect(await reply(socket)).toMatchObject({ status: 'ok' });
    await socket.end();
  });

  it('is closed when it talks without end', async () => {
    const socket = await raw();
    for (let n = 0; n < 60; n += 1) socket.push('phoenix', 'heartbeat');
    expect(await socket.closed).toBe(1008);
  });

  it('is closed when it says what is no message', async () => {
    for (const noise of ['{', '[]', 'null', Buffer.from([9, 9, 9])]) {
      const socket = await raw();
      socket.ws.send(noise);
      expect(await socket.closed).toBe(1007);
    }
  });

  it('is closed at a message of more than 1 MB', async () => {
    const socket = await raw();
    socket.push('realtime:x', 'phx_join', { blob: 'x'.repeat(1_048_576) });
    expect(await socket.closed).toBe(1009);
  });

  it('is closed after a minute of silence, and not before', async () => {
    const [quiet, lively] = [await raw(), await raw()];
    at.timers.advance(30_000);
    lively.push('phoenix', 'heartbeat');
    expect(await reply(lively)).toEqual({ status: 'ok', response: {} });
    at.timers.advance(30_000);
    expect(await quiet.closed).toBe(1006);
    lively.push('phoenix', 'heartbeat');
    expect(await reply(lively)).toEqual({ status: 'ok', response: {} });
    await lively.end();
  });

  it('gets an answer to everything', async () => {
    const socket = await raw();
    for (const [topic, event, payload] of [
      ['realtime:not-joined', 'broadcast', { event: 'x' }],
      ['other', 'phx_join', {}],
      ['realtime:', 'phx_join', {}],
      ['realtime:x', 'phx_join', { config: { private: 'yes' } }],
      ['realtime:x', 'phx_join', { config: { broadcast: { replay: { since: 0 } } } }],
      ['realtime:x', 'phx_join', { access_token: 7 }],
      ['realtime:x', 'phx_join', 7],
    ] as const) {
      socket.push(topic, event, payload);
      expect(await reply(socket)).toMatchObject({ status: 'error' });
    }
    at.timers.advance(1_000);
    socket.push('realtime:x', 'phx_join');
    await reply(socket);
    for (const [event, payload] of [
      ['broadcast', {}],
      ['broadcast', { event: 'e'.repeat(256) }],
      ['presence', { event: 'dance' }],
      ['presence', { event: 'track', payload: [] }],
      ['phx_error', {}],
      ['postgres_changes', {}],
    ] as const) {
      socket.push('realtime:x', event, payload);
      expect(await reply(socket)).toMatchObject({ status: 'error' });
    }
    await socket.end();
  });

  it('may call itself what it likes', async () => {
    at.timers.advance(1_000);
    const socket = await raw();
    const config = { presence: { enabled: true, key: '__proto__' } };
    socket.push('realtime:names', 'phx_join', { config });
    await reply(socket);
    expect((await socket.messages.next())[4]).toEqual({});
    socket.push('realtime:names', 'presence', { event: 'track', payload: { n: 1 } });
    const [, , , event, diff] = await socket.messages.next();
    expect(event).toBe('presence_diff');
    expect(JSON.stringify(diff)).toMatch(
      /^{"joins":{"__proto__":{"metas":\[{"n":1,"phx_ref":"[^"]+"}\]}},"leaves":{}}$/,
    );
    await socket.end();
  });
});

describe('the server', () => {
  it('has room for so many sockets', async () => {
    await using small = await startFixture({ limits: { sockets: 12 } });
    const sockets = await Promise.all(Array.from({ length: 12 }, () => raw(small)));
    await expect(raw(small)).rejects.toThrow(/503/);
    await sockets[0]!.end();
    // The server hears of it a little later.
    await expect.poll(() => small.realtime.stats().sockets).toBe(11);
    await raw(small);
    expect(small.realtime.stats().sockets).toBe(12);
  });

  async function upgrade(path: string, headers: Record<string, string> = {}): Promise<number> {
    const attempt = httpRequest(`${at.url}${path}`, {
      headers: {
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    });
    attempt.end();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    attempt.on('response', (response) => resolve(response.resume().statusCode ?? 0));
    attempt.on('upgrade', (_response, socket) => {
      socket.destroy();
      resolve(101);
    });
    attempt.on('error', reject);
    return promise;
  }

  it('opens sockets for this machine, this path and this project only', async () => {
    const path = `/realtime/v1/websocket?apikey=${PUBLISHABLE}&vsn=2.0.0`;
    const anon = await at.sign({ role: 'anon' });
    expect(await upgrade(path)).toBe(101);
    expect(await upgrade('/realtime/v1/websocket?vsn=1.0.0', { 'x-api-key': anon })).toBe(101);
    for (const host of ['localhost:54321', '127.0.0.1', '[::1]:9']) expect(await upgrade(path, { host })).toBe(101);
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1']) {
      expect(await upgrade(path, { host })).toBe(403);
    }
    for (const other of ['/', '/realtime/v1/websocket/x', '/realtime/v1', '/auth/v1', '/x/realtime/v1/websocket']) {
      expect(await upgrade(`${other}?apikey=${PUBLISHABLE}`)).toBe(404);
    }
    for (const key of [
      '',
      'x',
      'toString',
      '__proto__',
      await at.sign({ role: 'anon' }, -1),
      await at.sign({ role: 'postgres' }),
    ]) {
      expect(await upgrade(`/realtime/v1/websocket?apikey=${key}`)).toBe(401);
    }
    expect(await upgrade(path.replace('2.0.0', '3.0.0'))).toBe(400);
    expect(await upgrade(path, { 'sec-websocket-key': 'short' })).toBe(400);
    expect(at.reported).toEqual([]);
  });

  it('lets go of everything when it stops', async () => {
    await using own = await startFixture();
    const { states } = await listenIn(own.client(() => own.token()));
    await own.realtime.stop();
    expect(await states.next()).toMatch(/^CHANNEL_ERROR/);
    await expect.poll(() => own.realtime.stats().sockets).toBe(0);
    expect(own.timers.pending).toBe(0);
    const names = await own.sql`
      select application_name from pg_stat_activity
      where datname = current_database() and application_name like 'kavach realtime%'`;
    expect(names).toHaveLength(0);
    expect(own.reported).toEqual([]);
  });
});
