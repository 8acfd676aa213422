import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  channelFixture as fixture,
  KILL,
  liveChannel as live,
  TOPIC,
} from '../../test/backend/control/channel-fixture.ts';
import { settled } from '../../test/backend/control/fake-time.ts';

describe('joining', () => {
  it('goes to the private topic with a token, and the key in the address is the public one', async () => {
    const { socket, join } = await live();
    const address = new URL(socket.address);
    expect(address.origin + address.pathname).toBe('wss://x.test/realtime/v1/websocket');
    expect([address.searchParams.get('apikey'), address.searchParams.get('vsn')]).toEqual(['anon', '2.0.0']);
    expect(socket.address).not.toContain('token');
    expect(join).toMatchObject({ topic: `realtime:${TOPIC}`, event: 'phx_join', payload: { access_token: 'token-1', config: { private: true } } }); // prettier-ignore
  });

  it('is tried again where it is refused, later and later, with a new grant each time', async () => {
    const { channel, server, states, time, grants } = fixture({ random: () => 1 });
    channel.open();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      const socket = await server.sockets.next();
      await socket.join('error');
      await settled();
      expect(socket.readyState).not.toBe(1);
      delays.push(time.nextIn!);
      await time.pass(time.nextIn!);
    }
    expect(delays).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(grants()).toBe(10);
    expect(states.all).toEqual([]);
  });

  it('is given up after 10 s without a connection, or without a reply', async () => {
    const { channel, server, time } = fixture();
    channel.open();
    const silent = await server.sockets.next();
    await time.pass(10_125);
    expect(silent.readyState).not.toBe(0);
    const mute = await server.sockets.next();
    mute.accept();
    await mute.sent.next();
    await time.pass(10_250);
    expect(mute.readyState).not.toBe(1);
    await (await server.sockets.next()).join();
  });

  it('is tried again where there is no grant and where the connection is refused', async () => {
    const { channel, server, states, time, backend } = fixture();
    backend.failure = new Error('down');
    channel.open();
    await time.pass(1_000);
    expect(server.sockets.all).toEqual([]);
    backend.failure = undefined;
    await time.pass(1_000);
    (await server.sockets.next()).drop();
    await time.pass(time.nextIn!);
    await (await server.sockets.next()).join();
    expect(await states.next()).toBe('live');
  });

  it('is tried again where the runtime has no WebSocket', async () => {
    const { channel, time, grants } = fixture({
      transport: function () {
        throw new Error('no WebSocket here');
      } as never,
    });
    channel.open();
    channel.open();
    await expect.poll(() => time.pending).toBe(1);
    await time.pass(125);
    expect(grants()).toBe(2);
  });
});

describe('a joined channel', () => {
  it('passes messages on, and ignores what is none', async () => {
    const { socket, messages } = await live();
    const wrong = [null, 7, 'kill', [], {}, { ...KILL, epoch: '1' }, { ...KILL, killed: false }, { type: 'party' }];
    for (const payload of wrong) socket.broadcast(TOPIC, payload);
    socket.broadcast('org:2:control', KILL);
    socket.broadcast(TOPIC, KILL);
    socket.push(`realtime:${TOPIC}`, 'broadcast', { type: 'broadcast', event: 'limit', payload: { type: 'limit', budgetId: 'b', limit: 5, managedBy: 'operator' } }); // prettier-ignore
    expect(messages).toEqual([KILL, { type: 'limit', budgetId: 'b', limit: 5, managedBy: 'operator' }]);
  });

  it('survives any frame', async () => {
    const { socket, messages, states } = await live();
    const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => array.slice().buffer);
    const text = fc.oneof(fc.string(), fc.json(), fc.array(fc.jsonValue(), { maxLength: 6 }).map((value) => JSON.stringify(value))); // prettier-ignore
    fc.assert(
      fc.property(fc.oneof(bytes, text, fc.anything()), (data) => {
        expect(() => socket.receive(data)).not.toThrow();
      }),
      { numRuns: 1_000 },
    );
    socket.broadcast(TOPIC, { ...KILL, epoch: 2, more: 'x'.repeat(2_000_000) });
    socket.broadcast(TOPIC, KILL);
    expect(messages).toEqual([KILL]);
    expect(states.all).toEqual(['live']);
  });

  it('sends a heartbeat every 15 s, and notices that nobody answers', async () => {
    const { socket, states, time, server } = await live();
    for (let beat = 0; beat < 4; beat += 1) {
      const { topic, event } = await socket.sent.next();
      expect([topic, event]).toEqual(['phoenix', 'heartbeat']);
      await time.pass(15_000);
    }
    server.isAlive = false;
    await time.pass(15_000);
    expect(states.all).toEqual(['live']);
    await time.pass(15_000);
    expect(states.all).toEqual(['live', 'lost']);
    expect(socket.readyState).not.toBe(1);
    await time.pass(250);
    await (await server.sockets.next()).join();
    await settled();
    expect(states.all).toEqual(['live', 'lost', 'live']);
  });

  it.each([
    ['phx_close', 'the token has ended'],
    ['phx_error', 'the server’s channel has failed'],
  ])('comes back after %s: %s', async (event) => {
    const { socket, join, server, states, time } = await live();
    socket.push(join.topic, event, {}, null, join.joinRef);
    expect(states.all).toEqual(['live', 'lost']);
    socket.broadcast(TOPIC, KILL);
    await time.pass(250);
    const again = await server.sockets.next();
    expect(await again.join()).toMatchObject({ payload: { access_token: 'token-2' } });
    await settled();
    expect(states.all).toEqual(['live', 'lost', 'live']);
    again.drop();
    expect(states.all).toEqual(['live', 'lost', 'live', 'lost']);
  });

  it('does not come back in a hurry where each join is closed at once', async () => {
    const { socket, server, time, states } = await live({ random: () => 1 });
    socket.drop();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      delays.push(time.nextIn!);
      await time.pass(time.nextIn!);
      const next = await server.sockets.next();
      await next.join();
      await settled();
      next.drop();
    }
    expect(delays).toEqual([250, 500, 1_000, 2_000]);
    await time.pass(time.nextIn!);
    const good = await server.sockets.next();
    await good.join();
    await settled();
    await time.pass(31_000);
    good.drop();
    expect(time.nextIn).toBe(250);
    expect(states.all.at(-1)).toBe('lost');
  });
});
