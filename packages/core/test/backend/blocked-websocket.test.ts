import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { systemAfter } from '../../src/backend/after.ts';
import { BackendClient } from '../../src/backend/client.ts';
import { BackendLink } from '../../src/backend/link.ts';
import { realtimeChannels } from '../../src/backend/realtime.ts';
import { startControlBackend, type ControlBackend } from './control/control-backend.ts';
import { Inbox } from './control/fake-realtime.ts';
import { loopback, type Loopback } from './control/loopback.ts';
import { startFaultyProxy } from './nothing-lost-proxy.ts';

const POLL_MS = 200;

let backend: ControlBackend;
let wall: Loopback;
let refusedUpgrades = 0;
beforeAll(async () => {
  backend = await startControlBackend();
  // A company's proxy that lets HTTP through and nothing else.
  wall = await loopback((_request, response) => void response.writeHead(404).end());
  wall.server.on('upgrade', (_request, socket) => {
    refusedUpgrades += 1;
    socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  });
});
afterAll(async () => {
  await wall.stop();
  await backend[Symbol.asyncDispose]();
});

const links: BackendLink[] = [];
afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
});

/** A link whose WebSocket goes against the wall. */
function linkOf(agent: string, url = backend.url) {
  const client = new BackendClient({ url, apiKey: backend.key });
  const news = new Inbox<string>();
  const waits: number[] = [];
  let connects = 0;
  const link = new BackendLink({
    client: {
      connect: async (request, control) => {
        connects += 1;
        const answer = await client.connect(request, control);
        const { realtime } = answer;
        const realtimeUrl = `${wall.url.replace('http', 'ws')}/realtime/v1`;
        return { ...answer, realtime: realtime && { ...realtime, url: realtimeUrl } };
      },
    },
    request: () => ({ sdk: 'js/0.1.0', instance: crypto.randomUUID(), agent, budgets: [] }),
    openChannel: realtimeChannels(),
    listener: {
      onConnect: () => news.add('connected'),
      onAgentState: ({ killed, by }) => news.add(killed ? `killed by ${by}` : 'running'),
      onLimit: () => undefined,
      onRejection: (reason) => news.add(`rejected ${reason}`),
      onUnavailable: ({ kind }) => news.add(kind),
    },
    pollMs: POLL_MS,
    after: (ms, callback) => {
      waits.push(ms);
      return systemAfter(ms, callback);
    },
  });
  links.push(link);
  link.start();
  return { link, news, waits, connects: () => connects };
}

it('kills by the next poll where no WebSocket gets through', async () => {
  const { link, news, waits, connects } = linkOf('bot');
  expect([await news.next(), await news.next()]).toEqual(['connected', 'running']);
  await expect.poll(() => refusedUpgrades).toBeGreaterThan(0);
  await backend.kill('bot');
  // One may be under way that was answered before.
  const before = connects();
  let told = '';
  while (told === '' || told === 'connected') told = await news.next();
  expect(told).toBe('killed by ops');
  expect(connects() - before).toBeLessThanOrEqual(1);
  expect(link.isLive).toBe(false);
  expect(waits.every((ms) => ms <= POLL_MS * 1.1)).toBe(true);
});

it('tells a process that was offline of the kill when it is back', async () => {
  let isAway = false;
  await using proxy = await startFaultyProxy({
    target: () => backend.url,
    faultOf: () => (isAway ? 'reset' : 'none'),
  });
  const { news } = linkOf('offline', proxy.url);
  expect([await news.next(), await news.next()]).toEqual(['connected', 'running']);
  isAway = true;
  let told = '';
  while (told !== 'unavailable') told = await news.next();
  await backend.kill('offline');
  expect(news.all).not.toContain('killed by ops');
  isAway = false;
  expect([await news.next(), await news.next()]).toEqual(['connected', 'killed by ops']);
});
