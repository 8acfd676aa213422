import { describe, expect, it } from 'vitest';
import {
  channelFixture as fixture,
  KILL,
  liveChannel as live,
  TOPIC,
} from '../../test/backend/control/channel-fixture.ts';
import { settled } from '../../test/backend/control/fake-time.ts';

describe('the token', () => {
  it('is renewed on the channel when 80 % of its time is over', async () => {
    const { socket, join, time } = await live();
    await time.pass(480_000);
    const renewals = socket.sent.all.filter(({ event }) => event === 'access_token');
    expect(renewals).toEqual([
      { joinRef: join.joinRef, ref: expect.any(String), topic: join.topic, event: 'access_token', payload: { access_token: 'token-2' } }, // prettier-ignore
    ]);
    expect(socket.readyState).toBe(1);
  });

  it('is asked for again where there was none', async () => {
    const { socket, time, backend } = await live();
    backend.failure = new Error('down');
    await time.pass(500_000);
    const renewals = (): number => socket.sent.all.filter(({ event }) => event === 'access_token').length;
    expect(renewals()).toBe(0);
    backend.failure = undefined;
    await time.pass(99_000);
    expect(renewals()).toBe(1);
  });

  it('that is short is not renewed in a hurry', async () => {
    const { time, grants, backend } = await live();
    backend.lifeMs = 0; // the backend's tokens end at once
    await time.pass(480_000);
    const before = grants();
    await time.pass(160_000);
    expect(grants() - before).toBeLessThanOrEqual(30);
  });
});

/** Timers that keep the process, whoever has set them: the library's are real. */
const holding = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

describe('no timer holds the process', () => {
  it('while it connects, is live, renews, and when the server closes the channel', async () => {
    const before = holding();
    const { channel, server, states, time } = fixture();
    channel.open();
    const socket = await server.sockets.next();
    expect(holding()).toBe(before);
    const join = await socket.join();
    await states.next();
    expect(holding()).toBe(before);
    await time.pass(500_000);
    expect(socket.sent.all.filter(({ event }) => event === 'access_token')).toHaveLength(1);
    expect(holding()).toBe(before);
    socket.push(join.topic, 'phx_close', {}, null, join.joinRef);
    expect(holding()).toBe(before);
  });

  it('after a join that was refused, or not answered', async () => {
    const before = holding();
    const { channel, server, time } = fixture();
    channel.open();
    await (await server.sockets.next()).join('error');
    await settled();
    expect(holding()).toBe(before);
    await time.pass(time.nextIn!);
    const mute = await server.sockets.next();
    mute.accept();
    await time.pass(10_000);
    expect(mute.sent.all).toHaveLength(1);
    expect(holding()).toBe(before);
  });

  it('after a connection that broke while it joined, was live, or was closed', async () => {
    const before = holding();
    const { channel, server, time } = fixture();
    channel.open();
    const first = await server.sockets.next();
    first.accept();
    first.drop();
    expect(holding()).toBe(before);
    await time.pass(time.nextIn!);
    const second = await server.sockets.next();
    await second.join();
    await settled();
    second.drop();
    expect(holding()).toBe(before);
    await time.pass(time.nextIn!);
    await (await server.sockets.next()).join();
    await channel.close();
    expect(holding()).toBe(before);
  });
});

describe('close', () => {
  it('before it is opened does nothing, and it stays closed', async () => {
    const { channel, server } = fixture();
    await channel.close();
    channel.open();
    await settled();
    expect(server.sockets.all).toEqual([]);
  });

  it('while it connects leaves no timer and no socket', async () => {
    const { channel, server, time, states } = fixture();
    channel.open();
    const socket = await server.sockets.next();
    await channel.close();
    socket.accept();
    expect(socket.readyState).not.toBe(0);
    expect([time.pending, states.all]).toEqual([0, []]);
  });

  it('when it is live says goodbye, and no more', async () => {
    const { channel, socket, time, states, messages } = await live();
    const closing = channel.close();
    socket.broadcast(TOPIC, KILL);
    await closing;
    await channel.close();
    expect(socket.readyState).toBe(3);
    expect([time.pending, states.all, messages]).toEqual([0, ['live'], []]);
  });

  it('does not wait for ever for a goodbye', async () => {
    const { channel, server, time } = await live();
    server.isPolite = false;
    const closing = channel.close();
    await settled();
    expect(time.nextIn).toBe(1_000);
    await time.pass(1_000);
    await closing;
    expect(time.pending).toBe(0);
  });

  it('between two attempts ends the wait', async () => {
    const { channel, socket, time } = await live();
    socket.drop();
    expect(time.pending).toBe(1);
    await channel.close();
    expect(time.pending).toBe(0);
  });
});
