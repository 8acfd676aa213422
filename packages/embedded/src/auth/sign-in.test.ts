import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SITE, startAuth, type AuthFixture } from './testing/auth-fixture.ts';

let auth: AuthFixture;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth[Symbol.asyncDispose]());

const password = 'correct horse';
const signIn = (email: string, secret = password) => auth.client().auth.signInWithPassword({ email, password: secret });

it('signs a token that says who, how and until when', async () => {
  await auth.user('who@example.com', password);
  const { data } = await signIn('who@example.com');
  const seconds = Math.floor(auth.clock.now() / 1_000);
  expect(decodeJwt(data.session!.access_token)).toEqual({
    iss: `${SITE}/auth/v1`,
    aud: 'authenticated',
    sub: data.user!.id,
    role: 'authenticated',
    email: 'who@example.com',
    phone: '',
    iat: seconds,
    exp: seconds + 3_600,
    session_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    amr: [{ method: 'password', timestamp: seconds }],
    aal: 'aal1',
    app_metadata: { provider: 'email', providers: ['email'] },
    user_metadata: {},
    is_anonymous: false,
  });
  expect(data.session).toMatchObject({ token_type: 'bearer', expires_in: 3_600, expires_at: seconds + 3_600 });
});

it('answers a wrong password and an unknown address alike', async () => {
  await auth.user('known@example.com', password);
  const ask = async (email: string) => {
    const answer = await auth.post('/token?grant_type=password', { email, password: 'wrong horse' });
    return { status: answer.status, body: await answer.json() };
  };
  const wrong = await ask('known@example.com');
  expect(wrong).toMatchObject({ status: 400, body: { error_code: 'invalid_credentials' } });
  expect(await ask('unknown@example.com')).toEqual(wrong);
});

it('takes as long for an unknown address as for a wrong password', async () => {
  await auth.user('timed@example.com', password);
  // What is compared is work, not the clock of a busy machine: bcrypt at cost 10 takes tens of milliseconds, a look at
  // an index far less than one.
  const time = async (email: string) => {
    const start = performance.now();
    await signIn(email, 'wrong horse');
    return performance.now() - start;
  };
  const fastest = async (email: string) => Math.min(await time(email), await time(email), await time(email));
  const known = await fastest('timed@example.com');
  expect(await fastest('unknown-timed@example.com')).toBeGreaterThan(known / 3);
  await auth.sql`insert into auth.users (email, encrypted_password) values ('no-password@example.com', '')`;
  expect(await fastest('no-password@example.com')).toBeGreaterThan(known / 3);
});

it('lets nobody in with an empty password, or one that only begins right', async () => {
  await auth.user('long@example.com', 'x'.repeat(72));
  expect((await signIn('long@example.com', 'x'.repeat(72))).error).toBeNull();
  expect((await signIn('long@example.com', 'x'.repeat(73))).error?.code).toBe('invalid_credentials');
  expect((await signIn('long@example.com', 'x'.repeat(71))).error?.code).toBe('invalid_credentials');
  await auth.sql`
    insert into auth.users (email, encrypted_password, email_confirmed_at) values ('empty@example.com', '', now())`;
  const empty = await auth.post('/token?grant_type=password', { email: 'empty@example.com', password: '' });
  expect(empty.status).toBe(400);
});

it('limits attempts by address, known or not, also when they come at once', async () => {
  await auth.user('guessed@example.com', password);
  for (const email of ['guessed@example.com', 'nobody@example.com']) {
    const codes = await Promise.all(
      Array.from({ length: 14 }, async () => (await signIn(email, 'wrong horse')).error?.code ?? 'none'),
    );
    expect(codes.filter((code) => code === 'invalid_credentials')).toHaveLength(10);
    expect(codes.filter((code) => code === 'over_request_rate_limit')).toHaveLength(4);
  }
  expect((await signIn('guessed@example.com')).error).toMatchObject({ status: 429, code: 'over_request_rate_limit' });
  auth.clock.advance(300_000);
  expect((await signIn('guessed@example.com')).error).toBeNull();
});

it('forgets failed attempts with the right password', async () => {
  await auth.user('clumsy@example.com', password);
  for (let round = 0; round < 2; round += 1) {
    for (let i = 0; i < 6; i += 1) expect((await signIn('clumsy@example.com', 'wrong horse')).error).not.toBeNull();
    expect((await signIn('clumsy@example.com')).error).toBeNull();
  }
});

it('refuses banned and deleted users', async () => {
  await auth.user('banned@example.com', password);
  const { data } = await signIn('banned@example.com');
  await auth.sql`
    update auth.users set banned_until = ${new Date(auth.clock.now() + 1_000)} where email = 'banned@example.com'`;
  expect((await signIn('banned@example.com')).error?.code).toBe('user_banned');
  expect((await auth.client().auth.getUser(data.session!.access_token)).error?.code).toBe('user_banned');
  const refreshed = await auth.client().auth.refreshSession({ refresh_token: data.session!.refresh_token });
  expect(refreshed.error?.code).toBe('user_banned');
  auth.clock.advance(1_000);
  expect((await signIn('banned@example.com')).error).toBeNull();
  await auth.sql`update auth.users set deleted_at = now() where email = 'banned@example.com'`;
  expect((await signIn('banned@example.com')).error?.code).toBe('invalid_credentials');
});

it('knows no other grants', async () => {
  for (const grant of ['pkce', 'id_token', 'client_credentials', '']) {
    expect((await auth.post(`/token?grant_type=${grant}`, {})).status).toBe(400);
  }
});
