import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { ControlChannel } from '../../../src/backend/control-channel.ts';
import { realtimeChannels } from '../../../src/backend/realtime.ts';
import { Inbox } from './fake-realtime.ts';
import type { ControlMessage, RealtimeGrant } from '../../../src/wire/index.ts';
import { startControlBackend, type ControlBackend } from './control-backend.ts';

let backend: ControlBackend;
beforeAll(async () => {
  backend = await startControlBackend();
  await backend.sql`insert into kavach.agents (org_id, name) values (${backend.organisation}, 'bot')`;
});
afterAll(() => backend[Symbol.asyncDispose]());

const channels: ControlChannel[] = [];
afterEach(async () => {
  await Promise.all(channels.splice(0).map((channel) => channel.close()));
});

function listen(grant: () => Promise<RealtimeGrant>) {
  const states = new Inbox<string>();
  const messages = new Inbox<ControlMessage>();
  const grants = new Inbox<string>();
  const channel = realtimeChannels({ random: () => 0.1 })({
    grant: async () => {
      const granted = await grant();
      grants.add(granted.token);
      return granted;
    },
    onMessage: (message) => messages.add(message),
    onState: (state) => states.add(state),
  });
  channels.push(channel);
  channel.open();
  return { channel, states, messages, grants };
}

it('comes back with a new token when the old one has ended', async () => {
  const { states, messages, grants } = listen(() => backend.grant({ seconds: 20 }));
  expect(await states.next()).toBe('live');
  backend.timers.advance(21_000);
  expect([await states.next(), await states.next()]).toEqual(['lost', 'live']);
  expect(new Set(grants.all).size).toBe(2);
  await backend.kill();
  expect(await messages.next()).toMatchObject({ type: 'kill', agent: 'bot', killed: true });
});

it('stays where the token is renewed in time', async () => {
  const lengths = [20, 600];
  const { states, messages } = listen(async () => {
    const seconds = lengths.shift() ?? 600;
    const grant = await backend.grant({ seconds });
    return seconds === 20 ? { ...grant, expiresAt: Date.now() + 100 } : grant;
  });
  expect(await states.next()).toBe('live');
  // Realtime has taken the new token when it sets the alarm for its end.
  while ((await backend.timers.set.next()) < 590_000) continue;
  backend.timers.advance(30_000);
  await backend.resume();
  expect(await messages.next()).toMatchObject({ type: 'resume' });
  expect(states.all).toEqual(['live']);
});

it('is not let into another organisation’s topic, and does not stop trying', async () => {
  const { states, grants } = listen(() => backend.grant({ organisation: crypto.randomUUID() }));
  for (let attempt = 0; attempt < 4; attempt += 1) await grants.next();
  expect(states.all).toEqual([]);
});

it('closes with no socket left on the server', async () => {
  const { channel, states } = listen(() => backend.grant());
  expect(await states.next()).toBe('live');
  const before = backend.sockets();
  await channel.close();
  await expect.poll(() => backend.sockets(), { interval: 5 }).toBe(before - 1);
});

it('does not keep a process alive, although nobody closes it', async () => {
  const { url, apiKey, token, topic, expiresAt } = await backend.grant();
  const program = fileURLToPath(new URL('listen-and-end.ts', import.meta.url));
  const grant = JSON.stringify({ url, apiKey, token, topic, expiresAt });
  const flags = ['--experimental-transform-types', '--no-warnings'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, program], { env: { ...process.env, GRANT: grant }, timeout: 50_000 }); // prettier-ignore
  expect(stdout.trim()).toBe('live');
});
