/** A backend for a test: the real handlers on a database of its own, on one port. */
import { functionApps } from '../../../embedded/src/host/functions.ts';
import { listenOn } from '../../../embedded/src/host/port.ts';
import { routes } from '../../../embedded/src/host/routes.ts';
import { seed } from '../../../embedded/src/host/seed.ts';
import { createDatabase } from '@agentkavach/embedded/testing';
import { openDatabase } from '@agentkavach/functions/_shared/database';
import { makeKey } from '@agentkavach/functions/_shared/keys';
import { Hono } from 'hono';
import postgres from 'postgres';

/** A running backend and the way past it, straight to its database. */
export interface TestBackend {
  readonly url: string;
  readonly keys: { readonly sdk: string; readonly operator: string };
  readonly organisation: string;
  /** As the role `postgres`, which is what Studio uses. */
  readonly sql: postgres.Sql;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a backend without Realtime: what it would tell at once comes by the poll. */
export async function startBackend(): Promise<TestBackend> {
  const database = await createDatabase();
  const sql = postgres(database.url, { max: 4, onnotice: () => undefined });
  const keys = { sdk: makeKey('dev'), operator: makeKey('dev') };
  const organisation = await seed(sql, keys);
  const functions = openDatabase(database.url, { max: 8 });
  const { server, url, close } = await listenOn(0);
  const settings = { supabaseUrl: url, anonKey: 'anon', jwtSecret: 'a-secret-of-a-test-which-is-long-enough' };
  const none = new Hono();
  server.removeAllListeners('request');
  server.on(
    'request',
    routes({
      functions: functionApps({ database: functions, settings, fetch, now: () => Date.now() }),
      auth: none,
      realtime: { handleRest: () => false },
      outbox: none,
      isHealthy: () => Promise.resolve(true),
    }),
  );
  return {
    url,
    keys,
    organisation,
    sql,
    [Symbol.asyncDispose]: async () => {
      await close();
      await functions.end();
      await sql.end();
      await database.drop();
    },
  };
}
