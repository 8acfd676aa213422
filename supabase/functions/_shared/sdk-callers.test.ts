/** What connect, ingest and leases have in common: who may call them, and which bodies they take. */
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gzipSync } from 'node:zlib';
import { handler as connect } from '../connect/handler.ts';
import { handler as ingest } from '../ingest/handler.ts';
import { handler as leases } from '../leases/handler.ts';
import { openDatabase } from './database.ts';
import { hashKey, makeKey } from './keys.ts';
import { openProject, type TestOrganisation, type TestProject } from './testing/project.ts';

const INSTANCE = 'c0ffee00-0000-4000-8000-000000000001';
const BODIES = {
  connect: { sdk: '0.1.0', instance: INSTANCE, agent: 'bot', budgets: [] },
  ingest: { instance: INSTANCE, sentAt: Date.now(), events: [] },
  leases: { instance: INSTANCE, agent: 'bot', leases: [] },
} as const;

let project: TestProject;
let organisation: TestOrganisation;
let key: string;
const apps = new Map<string, Hono>();

beforeAll(async () => {
  project = await openProject();
  organisation = await project.organisation();
  key = await organisation.key();
  for (const [name, make] of Object.entries({ connect, ingest, leases })) apps.set(name, make(project.deps));
});
afterAll(() => project.end());

type Name = keyof typeof BODIES;
const NAMES: readonly Name[] = ['connect', 'ingest', 'leases'];

async function post(
  name: Name,
  token: string | undefined,
  body: BodyInit = JSON.stringify(BODIES[name]),
  headers: Record<string, string> = {},
) {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await apps
    .get(name)!
    .request(`/${name}`, { method: 'POST', body, headers: { ...authorization, ...headers } });
  const answer = (await response.json()) as { error?: { code: string; details?: unknown } };
  return { status: response.status, code: answer.error?.code, details: answer.error?.details, answer };
}

describe.each(NAMES)('POST /%s', (name) => {
  it('answers a key of the SDK', async () => {
    expect(await post(name, key)).toMatchObject({ status: 200, answer: { serverTime: expect.any(Number) } });
  });

  it.each([
    ['no credentials', async () => undefined, 'credentials_required'],
    ['the public key', async () => 'anon', 'credentials_required'],
    ['a mistyped key', async () => key.slice(0, -1) + (key.endsWith('a') ? 'b' : 'a'), 'key_invalid'],
    ['a key that nobody made', async () => makeKey('prod'), 'key_invalid'],
    ['a key that is revoked', async () => ended('revoked_at'), 'key_revoked'],
    ['a key whose time is over', async () => ended('expires_at'), 'key_expired'],
    ['no token at all', async () => 'nonsense', 'token_invalid'],
  ])('refuses %s with 401', async (_, token, code) => {
    expect(await post(name, await token())).toMatchObject({ status: 401, code });
  });

  it('refuses a key without the scope, and a person, whatever their role', async () => {
    expect(await post(name, await organisation.key('read', 'control', 'admin'))).toMatchObject({
      status: 403,
      code: 'forbidden',
    });
    expect((await post(name, await organisation.member('owner'))).status).toBeOneOf([401, 403]);
  });

  it('refuses what is no JSON', async () => {
    for (const body of ['', '{', '[1,', 'null null', '{"a":1}x', '\ufeff{"a":1}}']) {
      expect(await post(name, key, body)).toMatchObject({ status: 400, code: 'malformed_json' });
    }
    expect(await post(name, key, 'x', { 'content-encoding': 'gzip' })).toMatchObject({
      status: 400,
      code: 'malformed_gzip',
    });
    expect(await post(name, key, 'x', { 'content-encoding': 'br' })).toMatchObject({ status: 415 });
  });

  it('refuses JSON of another shape, by name', async () => {
    for (const body of ['null', '7', '[]', '"x"', '{}']) {
      expect(await post(name, key, body)).toMatchObject({ status: 422, code: 'invalid' });
    }
    const { status, details } = await post(name, key, JSON.stringify({ ...BODIES[name], surprise: 1, instance: 'x' }));
    expect([status, details]).toEqual([
      422,
      expect.arrayContaining([
        { path: 'instance', message: 'Invalid UUID' },
        { path: '', message: 'Unrecognized key: "surprise"' },
      ]),
    ]);
  });

  it('refuses 50 MB, plain, unannounced and packed', async () => {
    const spaces = Buffer.alloc(50_000_000, 32);
    expect(await post(name, key, spaces)).toMatchObject({ status: 413, code: 'body_too_large' });
    expect(await post(name, key, gzipSync(spaces), { 'content-encoding': 'gzip' })).toMatchObject({
      status: 413,
      code: 'body_too_large',
    });
  });

  it('reads nothing of a body without credentials', async () => {
    let read = 0;
    const body = new ReadableStream({ pull: () => void (read += 1) }, { highWaterMark: 0 });
    const init = { method: 'POST', body, duplex: 'half' };
    const response = await apps.get(name)!.request(`/${name}`, init);
    expect([response.status, read]).toEqual([401, 0]);
  });

  it('says 503 while the database is away', async () => {
    const database = openDatabase('postgres://postgres:x@127.0.0.1:1/postgres');
    const make = { connect, ingest, leases }[name];
    const response = await make({ ...project.deps, database }).request(`/${name}`, {
      method: 'POST',
      body: JSON.stringify(BODIES[name]),
      headers: { authorization: `Bearer ${key}` },
    });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    await database.end();
  });

  it('has no other method', async () => {
    expect((await apps.get(name)!.request(`/${name}`)).status).toBe(404);
  });

  async function ended(column: 'revoked_at' | 'expires_at'): Promise<string> {
    const old = await organisation.key();
    await project.admin`
      update kavach.api_keys set ${project.admin(column)} = now() - interval '1 second' where hash = ${await hashKey(old)}
    `;
    return old;
  }
});

describe('the plan’s requests per minute', () => {
  it('are counted for each of the three, with the time to wait', async () => {
    const small = await (await project.organisation('free')).key();
    let last = await post('leases', small);
    for (let i = 0; i < 500 && last.status !== 429; i += 1) last = await post('leases', small);
    expect(last).toMatchObject({
      status: 429,
      code: 'burst',
      details: { reason: 'burst', retryAfterSeconds: expect.any(Number) },
    });
    expect(await post('ingest', small)).toMatchObject({ status: 200 });
  });

  it('are used up by requests that are refused, too', async () => {
    const { key: make } = await project.organisation('free');
    const wrong = await make('read');
    let last = await post('ingest', wrong);
    expect(last).toMatchObject({ status: 403, code: 'forbidden' });
    for (let i = 0; i < 500 && last.status === 403; i += 1) last = await post('ingest', wrong);
    expect(last).toMatchObject({ status: 429, code: 'burst' });
    // Whoever shares the plan's requests of this endpoint waits too.
    expect((await post('ingest', await make())).status).toBe(429);
  });
});
