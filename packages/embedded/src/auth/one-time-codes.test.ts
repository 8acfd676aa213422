import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SITE, startAuth, type AuthFixture } from './testing/auth-fixture.ts';

let auth: AuthFixture;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth[Symbol.asyncDispose]());

const verify = (email: string, token: string) => auth.client().auth.verifyOtp({ email, token, type: 'email' });
const wrong = (code: string, i = 1) => String((Number(code) + i) % 1_000_000).padStart(6, '0');

async function codeFor(email: string): Promise<string> {
  expect((await auth.client().auth.signInWithOtp({ email })).error).toBeNull();
  const mail = auth.mails.at(-1)!;
  expect(mail.to).toBe(email);
  return mail.code;
}

describe('a code', () => {
  it('lets in once', async () => {
    const code = await codeFor('once@example.com');
    const first = await verify('Once@example.com', code);
    expect(first.data.user?.email_confirmed_at).toBeDefined();
    expect((await verify('once@example.com', code)).error).toMatchObject({ status: 403, code: 'otp_expired' });
  });

  it('lets in once when it is sent many times at once', async () => {
    const token = await codeFor('at-once@example.com');
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => auth.post('/verify', { email: 'at-once@example.com', token, type: 'email' })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 403, 403, 403, 403]);
  });

  it('is for its address alone', async () => {
    const code = await codeFor('mine@example.com');
    auth.clock.advance(1);
    await codeFor('yours@example.com');
    await auth.sql`
      update auth.one_time_tokens set relates_to = repeat('0', 64)
      where user_id = (select id from auth.users where email = 'yours@example.com')`;
    expect((await verify('yours@example.com', code)).error?.code).toBe('otp_expired');
    expect((await verify('mine@example.com', code)).error).toBeNull();
  });

  it('is for its purpose alone', async () => {
    await auth.client().auth.signUp({ email: 'purpose@example.com', password: 'correct horse' });
    const token = auth.mails.at(-1)!.code;
    for (const type of ['recovery', 'magiclink', 'email_change'] as const) {
      const { error } = await auth.client().auth.verifyOtp({ email: 'purpose@example.com', token, type });
      expect(error?.code).toBe('otp_expired');
    }
  });

  it('lives for an hour', async () => {
    const late = await codeFor('late@example.com');
    auth.clock.advance(3_600_000);
    expect((await verify('late@example.com', late)).error?.code).toBe('otp_expired');
    const timely = await codeFor('late@example.com');
    auth.clock.advance(3_599_999);
    expect((await verify('late@example.com', timely)).error).toBeNull();
  });

  it('outlives four wrong tries', async () => {
    const code = await codeFor('four@example.com');
    for (let i = 1; i <= 4; i += 1) await verify('four@example.com', wrong(code, i));
    expect((await verify('four@example.com', code)).error).toBeNull();
  });

  it('is dead after five, also when they come at once, and its link with it', async () => {
    const code = await codeFor('five@example.com');
    const { tokenHash } = auth.mails.at(-1)!;
    await Promise.all([1, 2, 3, 4, 5].map((i) => verify('five@example.com', wrong(code, i))));
    expect((await verify('five@example.com', code)).error?.code).toBe('otp_expired');
    const link = await auth.client().auth.verifyOtp({ token_hash: tokenHash, type: 'magiclink' });
    expect(link.error?.code).toBe('otp_expired');
    auth.nextMail();
    expect((await verify('five@example.com', await codeFor('five@example.com'))).error).toBeNull();
  });

  it('does not come back to life with an old one’s tries', async () => {
    const first = await codeFor('again@example.com');
    auth.nextMail();
    const second = await codeFor('again@example.com');
    if (first !== second) expect((await verify('again@example.com', first)).error?.code).toBe('otp_expired');
    expect((await verify('again@example.com', second)).error).toBeNull();
  });

  it('cannot be guessed over many codes', async () => {
    const email = 'patient@example.com';
    for (let round = 0; round < 6; round += 1) {
      const code = await codeFor(email);
      for (let i = 1; i <= 5; i += 1) expect((await verify(email, wrong(code, i))).error?.code).toBe('otp_expired');
      auth.nextMail();
    }
    const code = await codeFor(email);
    expect((await verify(email, code)).error).toMatchObject({ status: 429, code: 'over_request_rate_limit' });
    auth.clock.advance(3_600_000);
    expect((await verify(email, await codeFor(email))).error).toBeNull();
  });

  it('is stored so that reading the table does not give it away', async () => {
    const code = await codeFor('stored@example.com');
    const { tokenHash } = auth.mails.at(-1)!;
    const rows = await auth.sql`
      select t::text as row from auth.one_time_tokens as t join auth.users as u on u.id = t.user_id
      where u.email = 'stored@example.com'`;
    expect(rows).toHaveLength(1);
    expect(rows[0]!['row']).not.toContain(tokenHash);
    expect(rows[0]!['row']).not.toMatch(new RegExp(`\\b${code}\\b`));
  });
});

describe('asking for a code', () => {
  it('tells nothing about an address', async () => {
    await auth.user('there@example.com', 'correct horse');
    const sent = auth.mails.length;
    for (const [path, more] of [
      ['/recover', {}],
      ['/otp', { create_user: false }],
      ['/resend', { type: 'signup' }],
    ] as const) {
      const ask = async (email: string) => {
        const answers = [await auth.post(path, { email, ...more }), await auth.post(path, { email, ...more })];
        return Promise.all(answers.map(async (answer) => ({ status: answer.status, body: await answer.json() })));
      };
      const absent = await ask('absent@example.com');
      expect(absent).toMatchObject([
        { status: 200, body: {} },
        { status: 429, body: { error_code: 'over_email_send_rate_limit' } },
      ]);
      expect(await ask('there@example.com')).toEqual(absent);
      auth.nextMail();
    }
    // The confirmed one needs no second confirmation.
    expect(auth.mails.slice(sent).map(({ to, type }) => [to, type])).toEqual([
      ['there@example.com', 'recovery'],
      ['there@example.com', 'magiclink'],
    ]);
    expect(await auth.sql`select 1 from auth.users where email = 'absent@example.com'`).toHaveLength(0);
  });

  it('sends a new confirmation', async () => {
    const email = 'resend@example.com';
    await auth.client().auth.signUp({ email, password: 'correct horse' });
    auth.nextMail();
    expect((await auth.client().auth.resend({ type: 'signup', email })).error).toBeNull();
    const mail = auth.mails.at(-1)!;
    expect(mail).toMatchObject({ to: email, type: 'signup' });
    expect((await auth.client().auth.verifyOtp({ email, token: mail.code, type: 'signup' })).error).toBeNull();
    expect((await auth.client().auth.signInWithPassword({ email, password: 'correct horse' })).error).toBeNull();
  });

  it('opens the way to a new password', async () => {
    await auth.user('forgot@example.com', 'forgotten horse');
    expect((await auth.client().auth.resetPasswordForEmail('forgot@example.com')).error).toBeNull();
    const client = auth.client();
    const token = auth.mails.at(-1)!.code;
    expect((await client.auth.verifyOtp({ email: 'forgot@example.com', token, type: 'recovery' })).error).toBeNull();
    expect((await client.auth.updateUser({ password: 'correct horse' })).error).toBeNull();
    const signIn = (password: string) =>
      auth.client().auth.signInWithPassword({ email: 'forgot@example.com', password });
    expect((await signIn('forgotten horse')).error?.code).toBe('invalid_credentials');
    expect((await signIn('correct horse')).error).toBeNull();
  });
});

describe('a link', () => {
  it('leads to the site with a session', async () => {
    const email = 'link@example.com';
    await auth.client().auth.signInWithOtp({ email, options: { emailRedirectTo: `${SITE}/welcome?x=1#y` } });
    const mail = auth.mails.at(-1)!;
    expect(new URL(mail.link).origin).toBe(SITE);
    const path = mail.link.slice(`${SITE}/auth/v1`.length);
    expect((await auth.request(path, { method: 'HEAD' })).status).toBe(200);
    const answer = await auth.request(path);
    expect(answer.status).toBe(303);
    const target = new URL(answer.headers.get('location')!);
    expect(`${target.origin}${target.pathname}${target.search}`).toBe(`${SITE}/welcome?x=1`);
    const fragment = new URLSearchParams(target.hash.slice(1));
    expect(fragment.get('type')).toBe('magiclink');
    const { data, error } = await auth.client().auth.setSession({
      access_token: fragment.get('access_token')!,
      refresh_token: fragment.get('refresh_token')!,
    });
    expect(error).toBeNull();
    expect(data.user?.email).toBe(email);
    const again = await auth.request(path);
    expect(again.headers.get('location')).toContain(`${SITE}/welcome?x=1#error=access_denied&error_code=otp_expired`);
  });

  it('lets in by its token hash', async () => {
    await codeFor('hash@example.com');
    const { tokenHash } = auth.mails.at(-1)!;
    const { data } = await auth.client().auth.verifyOtp({ token_hash: tokenHash, type: 'magiclink' });
    expect(data.user?.email).toBe('hash@example.com');
  });

  it('does not lead elsewhere', async () => {
    await auth.client().auth.signInWithOtp({
      email: 'elsewhere@example.com',
      options: { emailRedirectTo: `${SITE}@evil.example/` },
    });
    const { link, tokenHash } = auth.mails.at(-1)!;
    expect(new URL(link).searchParams.get('redirect_to')).toBe(`${SITE}/`);
    const to = encodeURIComponent('https://evil.example/');
    const answer = await auth.request(`/verify?token=${tokenHash}&type=magiclink&redirect_to=${to}`);
    expect(answer.headers.get('location')).toMatch(new RegExp(`^${SITE}/#access_token=`));
  });
});
