import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { Hono } from 'hono';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createOutbox } from './outbox.ts';
import { type Listening, listenOn } from './port.ts';
import { notReady, routes } from './routes.ts';

const echo = (name: string) => {
  const app = new Hono();
  app.all('*', async (c) => c.text(`${name} ${c.req.method} ${c.req.path} ${await c.req.text()}`));
  return app;
};
const outbox = createOutbox(
  () => undefined,
  () => 0,
);

let listening: Listening;
let healthy: boolean;
beforeEach(async () => {
  healthy = true;
  listening = await listenOn(0);
  const listener = routes({
    functions: new Map([['status', echo('status')]]),
    auth: echo('auth'),
    realtime: {
      handleRest: ({ url }, response) => {
        if (url !== '/realtime/v1/api/broadcast') return false;
        response.writeHead(202).end();
        return true;
      },
    },
    outbox: outbox.app,
    isHealthy: async () => healthy,
  });
  listening.server.off('request', notReady).on('request', listener);
});
afterEach(() => listening.close());

const get = (path: string, init?: RequestInit) => fetch(listening.url + path, init);

it('gives each part the paths that it sees on the platform', async () => {
  expect(await (await get('/functions/v1/status')).text()).toBe('status GET /status ');
  const posted = await get('/functions/v1/status/a?b=1', { method: 'POST', body: 'body' });
  expect(await posted.text()).toBe('status POST /status/a body');
  expect(await (await get('/auth/v1/token?grant_type=password', { method: 'POST', body: '{}' })).text()).toBe(
    'auth POST /token {}',
  );
  expect((await get('/realtime/v1/api/broadcast', { method: 'POST' })).status).toBe(202);
  for (const path of ['/functions/v1/none', '/functions/v1', '/functions/v1/', '/realtime/v1/none', '/none']) {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: { code: 'not_found' } });
  }
});

it('says whether the database answers', async () => {
  expect(await (await get('/')).json()).toMatchObject({ status: 'ok' });
  healthy = false;
  expect((await get('/')).status).toBe(503);
});

it('lets pages of other sites use auth, but not read the outbox', async () => {
  const origin = { origin: 'https://example.com' };
  expect((await get('/auth/v1/settings', { headers: origin })).headers.get('access-control-allow-origin')).toBe('*');
  const preflight = await get('/auth/v1/token', {
    method: 'OPTIONS',
    headers: { ...origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'apikey' },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-headers')).toBe('apikey');
  const mails = await get('/outbox.json', { headers: origin });
  expect(mails.status).toBe(200);
  expect(mails.headers.get('access-control-allow-origin')).toBeNull();
});

it('refuses requests under a name that is not of this machine', async () => {
  const { port } = new URL(listening.url);
  const ask = (path: string, headers: Record<string, string>) =>
    request({ host: '127.0.0.1', port, path, headers }).end();
  for (const path of ['/', '/outbox.json', '/functions/v1/status', '/auth/v1/token']) {
    const [answer] = (await once(ask(path, { host: `evil.example:${port}` }), 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(403);
    expect(await text(answer)).toContain('host_not_local');
  }
});

it('shows mails, newest first, with what they say as text', async () => {
  const mail = (to: string) =>
    ({ to, type: 'signup', code: '123456', tokenHash: 't', link: 'http://l/?a=1&b=2' }) as const;
  await outbox.send(mail('first@example.com'));
  await outbox.send(mail('<b>second@example.com'));
  const mails: { to: string }[] = await (await get('/outbox.json')).json();
  expect(mails.map(({ to }) => to)).toEqual(['<b>second@example.com', 'first@example.com']);
  const page = await (await get('/outbox')).text();
  expect(page).toContain('&lt;b&gt;second@example.com');
  expect(page).toContain('href="http://l/?a=1&amp;b=2"');
  expect(page.indexOf('second@')).toBeLessThan(page.indexOf('first@'));
});

it('says that a port is taken', async () => {
  const { port } = new URL(listening.url);
  await expect(listenOn(Number(port))).rejects.toThrow(`Port ${port} is taken by another program`);
});
