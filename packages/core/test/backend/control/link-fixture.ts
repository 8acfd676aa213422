/** Links with a backend, a channel and a time under a test's control, for the tests of the link. */
import { BackendLink, type LinkOptions } from '../../../src/backend/link.ts';
import { FakeBackend, FakeChannel, REQUEST } from './fake-backend.ts';
import { FakeTime, settled } from './fake-time.ts';

/** A link that is not started, and all that it tells. */
export function linkFixture(options: Partial<LinkOptions> = {}) {
  const time = new FakeTime();
  const backend = new FakeBackend(() => time.now());
  const channels: FakeChannel[] = [];
  const heard: string[] = [];
  const link = new BackendLink({
    client: backend.client,
    request: () => REQUEST,
    openChannel: (channel) => {
      channels.push(new FakeChannel(channel));
      return channels.at(-1)!;
    },
    listener: {
      onConnect: (answer, offset) => heard.push(`connect ${answer.budgets[0]!.limit} ${offset}`),
      onAgentState: ({ killed, epoch }) => heard.push(`${killed ? 'killed' : 'running'} ${epoch}`),
      onLimit: (id, limit, managedBy) => heard.push(`limit ${limit} by ${managedBy}`),
      onRejection: (reason) => heard.push(`rejected ${reason}`),
      onUnavailable: (error) => heard.push(`unavailable ${error.kind}`),
    },
    after: time.after,
    random: () => 0.5,
    clock: time,
    ...options,
  });
  return { time, backend, channels, heard, link };
}

/** A link that is connected, with its channel live and its second connect done. */
export async function liveLink() {
  const parts = linkFixture();
  parts.link.start();
  await settled();
  parts.channels[0]!.options.onState('live');
  await settled();
  parts.heard.length = 0;
  return { ...parts, channel: parts.channels[0]!.options };
}
