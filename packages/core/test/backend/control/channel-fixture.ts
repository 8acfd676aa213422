/** Channels on connections and a time under a test's control, for the tests of the channel on Realtime. */
import { afterEach, expect } from 'vitest';
import { realtimeChannels, type RealtimeOptions } from '../../../src/backend/realtime.ts';
import type { ControlMessage, RealtimeGrant } from '../../../src/wire/index.ts';
import { FakeRealtime, Inbox } from './fake-realtime.ts';
import { FakeTime } from './fake-time.ts';

/** The topic that is joined. */
export const TOPIC = 'org:1:control';
/** A message of the right shape. */
export const KILL: ControlMessage = { type: 'kill', agent: 'bot', killed: true, epoch: 1, reason: 'manual', by: null };

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

/** A channel that is not opened; it is closed after the test. */
export function channelFixture(options: RealtimeOptions = {}) {
  const time = new FakeTime();
  const server = new FakeRealtime();
  const states = new Inbox<string>();
  const messages: ControlMessage[] = [];
  let grants = 0;
  const backend = { failure: undefined as Error | undefined, lifeMs: 600_000 };
  const channel = realtimeChannels({
    transport: server.transport,
    after: time.after,
    now: () => time.now(),
    random: () => 0.5,
    ...options,
  })({
    grant: async (): Promise<RealtimeGrant> => {
      if (backend.failure !== undefined) throw backend.failure;
      grants += 1;
      return { url: 'wss://x.test/realtime/v1', apiKey: 'anon', token: `token-${grants}`, expiresAt: time.now() + backend.lifeMs, topic: TOPIC }; // prettier-ignore
    },
    onMessage: (message) => messages.push(message),
    onState: (state) => states.add(state),
  });
  open.push(() => channel.close());
  return { time, server, states, messages, backend, channel, grants: () => grants };
}

/** One that is live. */
export async function liveChannel(options: RealtimeOptions = {}) {
  const parts = channelFixture(options);
  parts.channel.open();
  const socket = await parts.server.sockets.next();
  const join = await socket.join();
  expect(await parts.states.next()).toBe('live');
  return { ...parts, socket, join };
}
