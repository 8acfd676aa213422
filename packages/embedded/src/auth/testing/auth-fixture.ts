/** An auth server on a database of its own, with supabase-js as its client, and the mails that it sent. */
import { FakeClock } from '@agentkavach/core/testing';
import { createEmptyDatabase } from '@agentkavach/embedded/testing';
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { Hono } from 'hono';
import { SignJWT } from 'jose';
import postgres from 'postgres';
import { applyBaseline } from '../../postgres/baseline.ts';
import { authApp, type AuthOptions, type Mail } from '../index.ts';

export const SITE = 'http://127.0.0.1:8400';
export const SECRET = 'a-secret-of-the-tests-with-more-than-32-bytes';

export interface AuthFixture extends AsyncDisposable {
  readonly sql: postgres.Sql;
  readonly clock: FakeClock;
  readonly mails: Mail[];
  readonly reported: unknown[];
  /** A supabase-js client that forgets everything. */
  client(key?: string): SupabaseClient;
  /** A client with the service key. */
  admin(): Promise<SupabaseClient>;
  /** A raw request below /auth/v1. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** POSTs JSON. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** A confirmed user. */
  user(email: string, password: string): Promise<void>;
  /** Lets the pause between two mails pass. */
  nextMail(): void;
}

/** Signs a token of the project that is no user's. */
export async function projectKey(role: string, secret = SECRET): Promise<string> {
  return new SignJWT({ role, iss: 'supabase' })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime('10y')
    .sign(new TextEncoder().encode(secret));
}

export async function startAuth(more: Partial<AuthOptions> = {}): Promise<AuthFixture> {
  const database = await createEmptyDatabase();
  const sql = postgres(database.adminUrl, { max: 8, onnotice: () => undefined });
  // The baseline alone: auth knows nothing of the product's own tables.
  await applyBaseline(sql);
  const clock = new FakeClock(Date.now());
  const mails: Mail[] = [];
  const reported: unknown[] = [];
  const host = new Hono().route(
    '/auth/v1',
    authApp({
      sql,
      jwtSecret: SECRET,
      siteUrl: SITE,
      sendMail: async (mail) => void mails.push(mail),
      report: (error) => void reported.push(error),
      now: () => clock.now(),
      ...more,
    }),
  );
  const client = (key = 'sb_publishable_test') =>
    createClient(SITE, key, {
      auth: { persistSession: false, autoRefreshToken: false },
      global: { fetch: async (input, init) => host.request(input instanceof URL ? input.href : input, init) },
    });
  const request = async (path: string, init?: RequestInit) => host.request(`${SITE}/auth/v1${path}`, init);
  return {
    sql,
    clock,
    mails,
    reported,
    client,
    request,
    admin: async () => client(await projectKey('service_role')),
    post: (path, body, headers) =>
      request(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    async user(email, password) {
      const key = await projectKey('service_role');
      const { error } = await client(key).auth.admin.createUser({ email, password, email_confirm: true });
      if (error) throw error;
    },
    nextMail: () => clock.advance(60_000),
    async [Symbol.asyncDispose]() {
      await sql.end();
      await database.drop();
    },
  };
}
