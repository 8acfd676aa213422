import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectKey, SECRET, SITE, startAuth, type AuthFixture } from './testing/auth-fixture.ts';

let auth: AuthFixture;
let count = 0;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth[Symbol.asyncDispose]());

const password = 'correct horse';

async function signedIn(email = `user-${(count += 1)}@example.com`) {
  const known = await auth.sql`select 1 from auth.users where email = ${email}`;
  if (known.length === 0) await auth.user(email, password);
  const client = auth.client();
  const { data, error } = await client.auth.signInWithPassword({ email, password });
  if (error) throw error;
  return { client, email, id: data.user.id, token: data.session.access_token, refresh: data.session.refresh_token };
}
const isIn = async (token: string) => (await auth.client().auth.getUser(token)).error === null;

describe('reading the user', () => {
  it('works with getUser and getClaims', async () => {
    const { client, email, id } = await signedIn();
    expect((await client.auth.getUser()).data.user).toMatchObject({ id, email });
    expect((await client.auth.getClaims()).data?.claims).toMatchObject({ sub: id });
  });

  it('needs a live token of a user, signed here', async () => {
    const { token, id } = await signedIn();
    const sign = async (claims: object, secret = SECRET, alg = 'HS256') =>
      new SignJWT({ sub: id, role: 'authenticated', ...claims })
        .setProtectedHeader({ alg })
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(secret));
    const [head = '', body = ''] = token.split('.');
    const none = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${body}.`;
    const session_id = (JSON.parse(Buffer.from(body, 'base64url').toString()) as { session_id: string }).session_id;
    const whole = { session_id, aud: 'authenticated', iss: `${SITE}/auth/v1` };
    expect(await isIn(await sign(whole))).toBe(true);
    for (const bad of [
      await sign(whole, 'another-secret-that-also-has-more-than-32-bytes'),
      await sign(whole, SECRET.repeat(2), 'HS512'),
      await sign({ ...whole, session_id: undefined }),
      await sign({ ...whole, session_id: '1 or 1=1' }),
      await sign({ ...whole, sub: '00000000-0000-4000-8000-000000000000' }),
      await sign({ ...whole, aud: 'other' }),
      await sign({ ...whole, iss: 'http://elsewhere/auth/v1' }),
      await projectKey('service_role'),
      none,
      `${head}.${body}`,
      'x',
    ]) {
      expect(await isIn(bad)).toBe(false);
    }
    expect((await auth.request('/user')).status).toBe(401);
    auth.clock.advance(3_600_000);
    expect((await auth.client().auth.getUser(token)).error).toMatchObject({ code: 'bad_jwt', status: 403 });
  });

  it('needs the user to be there', async () => {
    const { token, id } = await signedIn();
    await auth.sql`delete from auth.users where id = ${id}`;
    expect(await isIn(token)).toBe(false);
  });
});

describe('signing out', () => {
  it.each([
    ['local', [false, true]],
    ['others', [true, false]],
    ['global', [false, false]],
  ] as const)('ends sessions by scope: %s', async (scope, [here, there]) => {
    const first = await signedIn();
    const second = await signedIn(first.email);
    const stranger = await signedIn();
    expect((await first.client.auth.signOut({ scope })).error).toBeNull();
    expect(await isIn(first.token)).toBe(here);
    expect(await isIn(second.token)).toBe(there);
    expect(await isIn(stranger.token)).toBe(true);
    const refreshed = await auth.client().auth.refreshSession({ refresh_token: second.refresh });
    expect(refreshed.error === null).toBe(there);
  });

  it('knows no other scope', async () => {
    const { token } = await signedIn();
    const answer = await auth.request('/logout?scope=everything', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(400);
    expect(await isIn(token)).toBe(true);
  });
});

describe('changing the user', () => {
  it('merges metadata, and null takes a key out', async () => {
    const { client } = await signedIn();
    await client.auth.updateUser({ data: { a: 1, b: { c: 2 } } });
    const { data } = await client.auth.updateUser({ data: { a: null, d: 'x' } });
    expect(data.user?.user_metadata).toEqual({ b: { c: 2 }, d: 'x' });
    const big = await client.auth.updateUser({ data: { e: 'y'.repeat(7_980) } });
    expect(big.error?.code).toBe('validation_failed');
  });

  it('changes nothing of what only an administrator may', async () => {
    const { token, id } = await signedIn();
    const answer = await auth.request('/user', {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ app_metadata: { admin: true }, role: 'service_role', banned_until: null, id: 'x' }),
    });
    expect(await answer.json()).toMatchObject({ id, role: 'authenticated', app_metadata: { provider: 'email' } });
  });

  it('ends the other sessions with a new password, and outstanding recoveries', async () => {
    const { client, email, token } = await signedIn();
    const other = await signedIn(email);
    await auth.client().auth.resetPasswordForEmail(email);
    expect((await client.auth.updateUser({ password })).error?.code).toBe('same_password');
    expect((await client.auth.updateUser({ password: 'short' })).error?.code).toBe('weak_password');
    expect((await client.auth.updateUser({ password: 'another horse' })).error).toBeNull();
    expect(await isIn(token)).toBe(true);
    expect(await isIn(other.token)).toBe(false);
    const { code } = auth.mails.at(-1)!;
    const late = await auth.client().auth.verifyOtp({ email, token: code, type: 'recovery' });
    expect(late.error?.code).toBe('otp_expired');
  });

  it('moves to another address when the mail to it is answered', async () => {
    const { client, email, id } = await signedIn();
    const next = `moved-${email}`;
    const asked = await client.auth.updateUser({ email: next });
    expect(asked.data.user).toMatchObject({ email, new_email: next });
    const mail = auth.mails.at(-1)!;
    expect(mail).toMatchObject({ to: next, type: 'email_change' });
    const wrongPlace = await auth.client().auth.verifyOtp({ email, token: mail.code, type: 'email_change' });
    expect(wrongPlace.error?.code).toBe('otp_expired');
    const moved = await auth.client().auth.verifyOtp({ email: next, token: mail.code, type: 'email_change' });
    expect(moved.data.user).toMatchObject({ id, email: next, identities: [{ identity_data: { email: next } }] });
    expect(moved.data.user?.new_email).toBeUndefined();
    expect((await auth.client().auth.signInWithPassword({ email: next, password })).error).toBeNull();
    expect((await auth.client().auth.signInWithPassword({ email, password })).error?.code).toBe('invalid_credentials');
  });

  it('does not tell that another address is taken, and does not take it', async () => {
    const owner = await signedIn();
    const thief = await signedIn();
    const sent = auth.mails.length;
    const asked = await thief.client.auth.updateUser({ email: owner.email });
    expect(asked.error).toBeNull();
    expect(asked.data.user?.new_email).toBe(owner.email);
    expect(auth.mails.length).toBe(sent);
  });

  it('keeps two users who wish for one address apart', async () => {
    const [first, second] = [await signedIn(), await signedIn()];
    const wish = 'wished-for@example.com';
    await first.client.auth.updateUser({ email: wish });
    const code = auth.mails.at(-1)!.code;
    auth.nextMail();
    // Also where the first one's wish looks like the later one.
    await auth.sql`update auth.users set email_change_sent_at = now() + interval '1 day' where id = ${first.id}`;
    await second.client.auth.updateUser({ email: wish });
    const won = await auth.client().auth.verifyOtp({ email: wish, token: code, type: 'email_change' });
    expect(won.data.user?.id).toBe(first.id);
    const lost = auth.mails.at(-1)!;
    if (lost.code !== code) {
      const late = await auth.client().auth.verifyOtp({ email: wish, token: lost.code, type: 'email_change' });
      expect(late.error).toMatchObject({ code: 'email_exists', status: 422 });
    }
  });
});
