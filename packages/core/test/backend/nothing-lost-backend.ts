/** The backend's handlers in a process of their own, for tests that kill it. `DATABASE_URL` says where its database is; it prints its address. */
import { openDatabase } from '@agentkavach/functions/_shared/database';
import { Hono } from 'hono';
import { functionApps } from '../../../embedded/src/host/functions.ts';
import { listenOn } from '../../../embedded/src/host/port.ts';
import { routes } from '../../../embedded/src/host/routes.ts';

const database = openDatabase(process.env['DATABASE_URL'] ?? '', { max: 8 });
const { server, url } = await listenOn(0);
const settings = { supabaseUrl: url, anonKey: 'anon', jwtSecret: 'a-secret-of-a-test-which-is-long-enough' };
const none = new Hono();
server.removeAllListeners('request');
server.on(
  'request',
  routes({
    functions: functionApps({ database, settings, fetch, now: () => Date.now() }),
    auth: none,
    realtime: { handleRest: () => false },
    outbox: none,
    isHealthy: () => Promise.resolve(true),
  }),
);
console.info(url);
// It ends with whoever started it.
process.stdin.resume().once('end', () => process.exit());
