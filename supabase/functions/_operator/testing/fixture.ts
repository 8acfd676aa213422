/** Two organisations with people and keys on a database of their own, and requests to a handler as each of them. */
import { randomUUID } from 'node:crypto';
import type { WireError } from '@agentkavach/core/wire';
import { createDatabase } from '@agentkavach/embedded/testing';
import type { Hono } from 'hono';
import { SignJWT } from 'jose';
import postgres from 'postgres';
import { openDatabase } from '../../_shared/database.ts';
import type { Dependencies, Settings } from '../../_shared/dependencies.ts';
import { hashKey, makeKey, prefixOf } from '../../_shared/keys.ts';

export const SECRET = 'a-secret-of-the-tests-with-more-than-32-bytes';

/** One organisation: who may ask for it, by their credentials. */
export interface Tenant {
  readonly id: string;
  readonly ownerId: string;
  readonly ownerEmail: string;
  /** Access tokens. */
  readonly owner: string;
  readonly member: string;
  /** API keys with one scope each, `admin` with all four. */
  readonly keys: Readonly<Record<'sdk' | 'read' | 'control' | 'admin', string>>;
}

/**
 * An answer, with its body read. `T`: what a test takes the body for; the expectations say whether it is that, and an
 * error is always looked for in its own place.
 */
export interface Answer<T = object> {
  readonly status: number;
  readonly body: T & WireError;
  readonly headers: Headers;
}

export interface Fixture extends AsyncDisposable {
  readonly deps: Dependencies;
  /** As the superuser, around all policies. */
  readonly sql: postgres.Sql;
  readonly acme: Tenant;
  readonly rival: Tenant;
  /** Sends a request. `as`: a token or key; left out, there are no credentials. */
  send<T = object>(
    app: Hono,
    request: string,
    options?: { as?: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<Answer<T>>;
  /** A user with a token, who belongs to no organisation. */
  person(email: string): Promise<{ id: string; token: string }>;
  /** An API key of an organisation. */
  key(org: string, scopes: readonly string[]): Promise<string>;
}

/** Starts one; dispose of it after the tests. */
export async function startFixture(more: Partial<Settings> & { fetch?: typeof fetch } = {}): Promise<Fixture> {
  const database = await createDatabase();
  const sql = postgres(database.adminUrl, { max: 4, onnotice: () => undefined });
  const { fetch: network = fetch, ...settings } = more;
  const deps: Dependencies = {
    database: openDatabase(database.url),
    settings: { supabaseUrl: 'https://project.example', anonKey: 'anon-key', jwtSecret: SECRET, ...settings },
    fetch: network,
    now: () => Date.now(),
  };
  const person: Fixture['person'] = async (email) => {
    const id = randomUUID();
    await sql`insert into auth.users (id, email) values (${id}, ${email})`;
    return { id, token: await tokenOf(id, email) };
  };
  const key: Fixture['key'] = async (org, scopes) => {
    const text = makeKey('dev');
    await sql`
      insert into kavach.api_keys (org_id, name, environment, prefix, hash, scopes)
      values (${org}, ${scopes.join('+')}, 'dev', ${prefixOf(text)}, ${await hashKey(text)}, ${[...scopes]})`;
    return text;
  };
  const tenant = async (name: string): Promise<Tenant> => {
    const id = randomUUID();
    // The largest plan: requests are not counted, so that tests do not meet its limits by chance.
    await sql`insert into kavach.organizations (id, name, plan_id) values (${id}, ${name}, 'max')`;
    const owner = await person(`owner@${name}.example`);
    const member = await person(`member@${name}.example`);
    await sql`
      insert into kavach.members (org_id, user_id, role) values (${id}, ${owner.id}, 'owner'), (${id}, ${member.id}, 'member')`;
    const [sdk, read, control, admin] = await Promise.all([
      key(id, ['sdk']),
      key(id, ['read']),
      key(id, ['control']),
      key(id, ['sdk', 'read', 'control', 'admin']),
    ]);
    return {
      id,
      ownerId: owner.id,
      ownerEmail: `owner@${name}.example`,
      owner: owner.token,
      member: member.token,
      keys: { sdk, read, control, admin },
    };
  };
  const send: Fixture['send'] = async <T>(
    app: Hono,
    request: string,
    { as, body, headers = {} }: { as?: string; body?: unknown; headers?: Record<string, string> } = {},
  ) => {
    const [method = '', path = ''] = request.split(' ');
    const response = await app.request(`https://project.example${path}`, {
      method,
      headers: { ...(as === undefined ? {} : { authorization: `Bearer ${as}` }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed = (text === '' ? undefined : JSON.parse(text)) as T & WireError;
    return { status: response.status, headers: response.headers, body: parsed };
  };
  return {
    deps,
    sql,
    acme: await tenant('acme'),
    rival: await tenant('rival'),
    send,
    person,
    key,
    async [Symbol.asyncDispose]() {
      await Promise.all([deps.database.end(), sql.end()]);
      await database.drop();
    },
  };
}

async function tokenOf(id: string, email: string): Promise<string> {
  return (
    new SignJWT({ email, role: 'authenticated' })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(id)
      .setAudience('authenticated')
      .setIssuedAt()
      // Longer than real ones: some tests live in another week.
      .setExpirationTime('1y')
      .sign(new TextEncoder().encode(SECRET))
  );
}
