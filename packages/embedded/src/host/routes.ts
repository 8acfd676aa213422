/** What answers under which path of the one port, as on the platform: functions, auth, realtime; and what only a laptop has. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { isLoopbackHost } from './loopback.ts';

/** The parts behind the paths. */
export interface Parts {
  /** By name: `/functions/v1/<name>`. They answer with their own CORS headers, as in production. */
  readonly functions: ReadonlyMap<string, Hono>;
  readonly auth: Hono;
  readonly realtime: { handleRest(request: IncomingMessage, response: ServerResponse): boolean };
  readonly outbox: Hono;
  /** Whether the database answers. */
  isHealthy(): Promise<boolean>;
}

const FUNCTION = /^\/functions\/v1(\/([^/?]+).*)$/;

/** One listener for all requests. Each part sees the paths that it sees on the platform. */
export function routes({ functions, auth, realtime, outbox, isHealthy }: Parts): RequestListener {
  const listeners = new Map([...functions].map(([name, app]) => [name, listen(app)]));
  const authListener = listen(withCors(auth));
  const local = listen(localPages(outbox, isHealthy));
  return (request, response) => {
    const path = request.url ?? '/';
    if (!isLoopbackHost(request.headers.host)) {
      refuse(response, 403, 'host_not_local', 'This server answers requests to localhost only.');
      return;
    }
    const [, inside, name = ''] = FUNCTION.exec(path) ?? [];
    const listener = listeners.get(name);
    if (inside !== undefined && listener) {
      request.url = inside;
      void listener(request, response);
    } else if (path.startsWith('/auth/v1/')) {
      request.url = path.slice('/auth/v1'.length);
      void authListener(request, response);
    } else if (path.startsWith('/realtime/v1/')) {
      if (!realtime.handleRest(request, response)) {
        refuse(response, 404, 'not_found', `There is no ${request.method ?? ''} ${path.split('?')[0] ?? ''} here.`);
      }
    } else void local(request, response);
  };
}

/** Answers while the parts start, and while they stop. */
export const notReady: RequestListener = (_request, response) => {
  response.setHeader('retry-after', '1');
  refuse(response, 503, 'not_ready', 'The stack is starting or stopping. Try again in a second.');
};

function localPages(outbox: Hono, isHealthy: () => Promise<boolean>): Hono {
  const app = new Hono();
  app.get('/', async (c) =>
    (await isHealthy())
      ? c.json({ name: 'agentkavach', status: 'ok', outbox: '/outbox' })
      : c.json({ name: 'agentkavach', status: 'no database' }, 503),
  );
  app.route('/', outbox);
  app.notFound((c) =>
    c.json({ error: { code: 'not_found', message: `There is no ${c.req.method} ${c.req.path} here.` } }, 404),
  );
  return app;
}

/** Callers send their credentials in a header, never in a cookie, so any page may ask. */
function withCors(inner: Hono): Hono {
  const app = new Hono();
  app.use(cors());
  app.all('*', (c) => inner.fetch(c.req.raw));
  return app;
}

function listen(app: Hono): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  // This package runs inside of other programs: their global Request and Response stay as they are.
  return getRequestListener(app.fetch, { overrideGlobalObjects: false });
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { code, message } }));
}
