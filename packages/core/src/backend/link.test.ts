import { describe, expect, it } from 'vitest';
import { liveLink as live, linkFixture as fixture } from '../../test/backend/control/link-fixture.ts';
import { settled } from '../../test/backend/control/fake-time.ts';
import { BackendError } from '../wire/backend-error.ts';
import type { AgentState } from '../wire/index.ts';

const down = new BackendError('connect: down', 'unavailable');

describe('connecting', () => {
  it('tells the answer, then the state, and opens the channel', async () => {
    const { link, heard, channels } = fixture();
    expect(link.state).toBe('connecting');
    link.start();
    link.start();
    await settled();
    expect(heard).toEqual(['connect 1000 0', 'running 0']);
    expect(link.state).toBe('connected');
    expect(channels.map(({ isOpen }) => isOpen)).toEqual([true]);
  });

  it('reports the first failure at once and the later ones not, then comes back', async () => {
    const { link, heard, backend, time } = fixture();
    backend.failure = down;
    link.start();
    await settled();
    expect(heard).toEqual(['unavailable unavailable']);
    await time.pass(600_000);
    expect(heard).toHaveLength(1);
    expect(link.state).toBe('unavailable');
    backend.failure = undefined;
    await time.pass(30_000);
    expect(heard.slice(1, 3)).toEqual(['connect 1000 0', 'running 0']);
    backend.failure = down;
    const before = backend.connects;
    await time.pass(5_500);
    expect(heard.at(-1)).toBe('unavailable unavailable');
    // The waits begin small again.
    expect(backend.connects - before).toBeGreaterThanOrEqual(2);
  });

  it('waits from 0 to a ceiling that doubles from 0.25 s to 30 s', async () => {
    const { link, backend, time } = fixture({ random: () => 0.999_999 });
    backend.failure = down;
    link.start();
    await settled();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 10; attempt += 1) {
      delays.push(Math.round(time.nextIn!));
      await time.pass(time.nextIn!);
    }
    expect(delays).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    expect(backend.connects).toBe(11);
  });

  it('waits as long as the backend says, where that is longer', async () => {
    const { link, backend, time } = fixture();
    backend.failure = new BackendError('slow down', 'throttled', { retryAfterMs: 7_000 });
    link.start();
    await settled();
    expect(time.nextIn).toBe(7_000);
  });

  it('tells a rejection once, goes on asking slowly, and tells the connect that lifts it', async () => {
    const { link, heard, backend, time } = fixture();
    backend.failure = new BackendError('no', 'rejected', { reason: 'key_revoked' });
    link.start();
    await settled();
    expect(link.state).toBe('rejected');
    await time.pass(95_000);
    expect(heard).toEqual(['rejected key_revoked']);
    expect(backend.connects).toBe(4);
    backend.failure = undefined;
    await time.pass(30_000);
    expect(link.state).toBe('connected');
    expect(heard.slice(1, 3)).toEqual(['connect 1000 0', 'running 0']);
  });

  it('takes a rejection without a reason for a backend that is away', async () => {
    const { link, heard, backend } = fixture();
    backend.failure = new BackendError('no', 'rejected', { status: 403 });
    link.start();
    await settled();
    expect(heard).toEqual(['unavailable rejected']);
  });

  it('takes an answer about another agent for garbage', async () => {
    const { link, heard, backend } = fixture();
    backend.state = { ...backend.state, agent: 'other' };
    link.start();
    await settled();
    expect(heard).toEqual(['unavailable garbage']);
  });

  it('goes on when a callback or the client throws what it should not', async () => {
    const { link, backend, heard, time } = fixture();
    backend.failure = new TypeError('a bug');
    link.start();
    await settled();
    expect(heard).toEqual(['unavailable unavailable']);
    backend.failure = undefined;
    const listener = { onConnect: () => { throw new Error('a bug'); }, onAgentState: (state: AgentState) => heard.push(`epoch ${state.epoch}`), onLimit: () => undefined, onRejection: () => undefined, onUnavailable: () => undefined }; // prettier-ignore
    const second = fixture({ listener });
    second.link.start();
    await settled();
    expect(heard.at(-1)).toBe('epoch 0');
    await time.pass(1_000);
  });
});

describe('the clock offset', () => {
  it('is the server time minus the middle of the request', async () => {
    const { link, heard, backend, time } = fixture();
    backend.isSlow = true;
    link.start();
    await settled();
    time.advance(400); // the answer was written 0 ms after the request began
    backend.answer();
    await settled();
    expect(heard[0]).toBe('connect 1000 -200');
  });

  it('is left as it was after a round trip of more than 5 s', async () => {
    const { link, heard, backend, time } = fixture();
    backend.isSlow = true;
    link.start();
    await settled();
    time.advance(5_001);
    backend.answer();
    await settled();
    expect(heard[0]).toBe('connect 1000 0');
  });

  it('translates the time at which a token ends', async () => {
    const { link, backend, time, channels } = fixture();
    backend.isSlow = true;
    link.start();
    await settled();
    time.advance(2_000);
    backend.answer();
    await settled();
    const grant = await channels[0]!.options.grant();
    expect(grant.expiresAt).toBe(time.now() + 600_000 - 1_000); // half of the 2 s has passed since it was made
  });
});

describe('the slow poll', () => {
  it('asks every 30 s while the channel is live, every 5 s while it is not', async () => {
    const { backend, time, channel } = await live();
    const before = backend.connects;
    await time.pass(90_000);
    expect(backend.connects - before).toBe(3);
    channel.onState('lost');
    await time.pass(30_000);
    expect(backend.connects - before).toBe(9);
  });

  it('spreads by 10 %', async () => {
    for (const [random, expected] of [
      [0, 27_000],
      [1, 33_000],
    ] as const) {
      // prettier-ignore
      const { link, time, channels } = fixture({ random: () => random });
      link.start();
      await settled();
      channels[0]!.options.onState('live');
      await settled();
      expect(time.nextIn).toBeCloseTo(expected);
    }
  });

  it('does the work alone where the backend has no Realtime', async () => {
    const { link, backend, heard, time, channels } = fixture();
    backend.hasRealtime = false;
    link.start();
    await settled();
    expect(channels).toHaveLength(0);
    backend.change(true);
    await time.pass(5_000);
    expect(heard.at(-1)).toBe('killed 1');
  });

  it('asks at once when the channel comes back', async () => {
    const { backend, channel, heard } = await live();
    channel.onState('lost');
    backend.change(true); // nobody was listening
    channel.onState('live');
    await settled();
    expect(heard.at(-1)).toBe('killed 1');
  });
});
