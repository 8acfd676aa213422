/** A backend with Realtime for a test: the real handlers and the real channels on a database of its own. */
import { createDatabase } from '@agentkavach/embedded/testing';
import { openDatabase } from '@agentkavach/functions/_shared/database';
import { makeKey } from '@agentkavach/functions/_shared/keys';
import { Hono } from 'hono';
import { SignJWT } from 'jose';
import postgres from 'postgres';
import { functionApps } from '../../../../embedded/src/host/functions.ts';
import { listenOn } from '../../../../embedded/src/host/port.ts';
import { routes } from '../../../../embedded/src/host/routes.ts';
import { seed } from '../../../../embedded/src/host/seed.ts';
import { startRealtime, type Realtime } from '../../../../embedded/src/realtime/index.ts';
import { FakeTimers } from '../../../../embedded/src/realtime/testing/fake-timers.ts';
import { Inbox } from './fake-realtime.ts';
import type { RealtimeGrant } from '../../../src/wire/index.ts';

const SECRET = 'a-secret-of-a-test-which-is-long-enough';

/** Realtime's clock, which also tells of each alarm that is set. */
class ToldTimers extends FakeTimers {
  /** Milliseconds of each alarm, in order. */
  readonly set = new Inbox<number>();

  override after(ms: number, call: () => void): () => void {
    this.set.add(ms);
    return super.after(ms, call);
  }
}

/** A running backend. */
export interface ControlBackend {
  readonly url: string;
  readonly key: string;
  readonly organisation: string;
  /** As the role `postgres`, which is what Studio uses. */
  readonly sql: postgres.Sql;
  /** Realtime's time; the functions have the real one. */
  readonly timers: ToldTimers;
  /** A grant of its own making: for another organisation, or of another length. */
  grant(options?: { readonly organisation?: string; readonly seconds?: number }): Promise<RealtimeGrant>;
  /** Open on the server. */
  sockets(): number;
  kill(agent?: string): Promise<void>;
  resume(agent?: string): Promise<void>;
  stopRealtime(): Promise<void>;
  startRealtime(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a backend, and nothing else of the local stack. */
export async function startControlBackend(): Promise<ControlBackend> {
  const database = await createDatabase();
  const sql = postgres(database.url, { max: 4, onnotice: () => undefined });
  const keys = { sdk: makeKey('dev'), operator: makeKey('dev') };
  const organisation = await seed(sql, keys);
  const functions = openDatabase(database.url, { max: 4 });
  const { server, url, close } = await listenOn(0);
  const timers = new ToldTimers();
  const sign = async (claims: Record<string, unknown>, seconds: number): Promise<string> =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setExpirationTime(Math.floor(timers.now() / 1_000) + seconds)
      .sign(new TextEncoder().encode(SECRET));
  const anonKey = await sign({ role: 'anon' }, 315_360_000);
  const settings = { supabaseUrl: url, anonKey, jwtSecret: SECRET };
  const start = (): Promise<Realtime> =>
    startRealtime({ databaseUrl: database.adminUrl, jwtSecret: SECRET, apiKeys: {}, server, timers });
  let realtime = await start();
  const none = new Hono();
  server.removeAllListeners('request');
  server.on(
    'request',
    routes({
      functions: functionApps({ database: functions, settings, fetch, now: () => Date.now() }),
      auth: none,
      realtime: { handleRest: (request, response) => realtime.handleRest(request, response) },
      outbox: none,
      isHealthy: () => Promise.resolve(true),
    }),
  );
  return {
    url,
    key: keys.sdk,
    organisation,
    sql,
    timers,
    grant: async ({ organisation: org = organisation, seconds = 600 } = {}) => ({
      url: `${url.replace('http', 'ws')}/realtime/v1`,
      apiKey: anonKey,
      token: await sign({ role: 'authenticated', kavach_org: org, kavach_topics: ['control'] }, seconds),
      expiresAt: Date.now() + seconds * 1_000,
      topic: `org:${organisation}:control`,
    }),
    sockets: () => realtime.stats().sockets,
    kill: async (agent = 'bot') =>
      void (await sql`select kavach.kill_agent(${organisation}, ${agent}, 'manual', 'ops')`),
    resume: async (agent = 'bot') => void (await sql`select kavach.resume_agent(${organisation}, ${agent}, 'ops')`),
    stopRealtime: () => realtime.stop(),
    startRealtime: async () => {
      realtime = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await realtime.stop();
      await close();
      await functions.end();
      await sql.end();
      await database.drop();
    },
  };
}
