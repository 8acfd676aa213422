import { afterAll, beforeAll, expect, it } from 'vitest';
import { authApp } from './index.ts';
import { SECRET, SITE, startAuth, type AuthFixture } from './testing/auth-fixture.ts';

let auth: AuthFixture;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth[Symbol.asyncDispose]());

const json = { 'content-type': 'application/json' };
const routes = [
  '/signup',
  '/token?grant_type=password',
  '/token?grant_type=refresh_token',
  '/otp',
  '/recover',
  '/verify',
];

it.each(routes)('%s refuses what is not JSON, or not an object of it', async (path) => {
  for (const body of ['{', 'null', '[]', '"x"', '7', '{"email":']) {
    const answer = await auth.request(path, { method: 'POST', headers: json, body });
    expect([400, 422]).toContain(answer.status);
    expect(await answer.json()).toMatchObject({ error_code: expect.stringMatching(/^(bad_json|validation_failed)$/) });
  }
  expect(auth.reported).toEqual([]);
});

it('refuses bodies beyond 64 kB, declared or not', async () => {
  const large = JSON.stringify({ email: 'a@example.com', password: 'x'.repeat(70_000) });
  const declared = await auth.request('/signup', {
    method: 'POST',
    headers: { ...json, 'content-length': String(large.length) },
    body: large,
  });
  expect(declared.status).toBe(413);
  const streamed = await auth.request('/signup', {
    method: 'POST',
    headers: json,
    body: new Blob([large]).stream(),
    duplex: 'half',
  } as RequestInit);
  expect(streamed.status).toBe(413);
});

it('refuses what a form on a foreign page could post', async () => {
  const body = JSON.stringify({ email: 'a@example.com', password: 'correct horse' });
  const answer = await auth.request('/signup', { method: 'POST', headers: { 'content-type': 'text/plain' }, body });
  expect(answer.status).toBe(415);
});

it('speaks both of GoTrue’s ways to say what is wrong', async () => {
  const old = await auth.post('/token?grant_type=password', { email: 'a@example.com', password: 'wrong horse' });
  expect(await old.json()).toEqual({ code: 400, error_code: 'invalid_credentials', msg: 'Invalid login credentials' });
  const recent = await auth.post(
    '/token?grant_type=password',
    { email: 'a@example.com', password: 'wrong horse' },
    { 'x-supabase-api-version': '2024-01-01' },
  );
  expect(recent.headers.get('x-supabase-api-version')).toBe('2024-01-01');
  expect(await recent.json()).toEqual({ code: 'invalid_credentials', message: 'Invalid login credentials' });
});

it('keeps answers out of caches, and knows no other paths', async () => {
  const health = await auth.request('/health');
  expect(health.headers.get('cache-control')).toBe('no-store');
  expect(await (await auth.request('/settings')).json()).toMatchObject({ mailer_autoconfirm: false });
  expect(await (await auth.request('/.well-known/jwks.json')).json()).toEqual({ keys: [] });
  for (const path of ['/authorize', '/callback', '/sso', '/factors']) {
    expect((await auth.request(path)).status).toBe(404);
  }
});

it('tells the client nothing of what nobody expected', async () => {
  await using broken = await startAuth();
  await broken.sql`drop table auth.one_time_tokens`;
  const answer = await broken.post('/recover', { email: 'a@example.com' });
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain('one_time_tokens');
  expect(broken.reported).toHaveLength(1);
});

it('does not start with a weak secret or without an address', () => {
  const options = { sql: auth.sql, jwtSecret: SECRET, siteUrl: SITE, sendMail: async () => undefined };
  expect(() => authApp({ ...options, jwtSecret: 'short' })).toThrow(/32 bytes/);
  expect(() => authApp({ ...options, siteUrl: 'localhost' })).toThrow(/not a URL/);
});
