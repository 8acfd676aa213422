import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAuth, type AuthFixture } from './testing/auth-fixture.ts';

let auth: AuthFixture;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth[Symbol.asyncDispose]());

const password = 'correct horse';

describe('signing up', () => {
  it('asks for the code in the mail before it lets anybody in', async () => {
    const client = auth.client();
    const email = 'New@Example.com';
    const signedUp = await client.auth.signUp({ email, password, options: { data: { name: 'Asha' } } });
    expect(signedUp.error).toBeNull();
    expect(signedUp.data.session).toBeNull();
    expect(signedUp.data.user).toMatchObject({ email: 'new@example.com', user_metadata: { name: 'Asha' } });
    expect(signedUp.data.user?.email_confirmed_at).toBeUndefined();

    const early = await client.auth.signInWithPassword({ email, password });
    expect(early.error).toMatchObject({ status: 400, code: 'email_not_confirmed' });

    const mail = auth.mails.at(-1)!;
    expect(mail).toMatchObject({ to: 'new@example.com', type: 'signup', code: expect.stringMatching(/^\d{6}$/) });
    const verified = await client.auth.verifyOtp({ email, token: mail.code, type: 'signup' });
    expect(verified.error).toBeNull();
    expect(verified.data.session?.access_token).toBeTypeOf('string');
    expect(verified.data.user?.identities).toMatchObject([
      { provider: 'email', identity_data: { email: 'new@example.com', email_verified: true, name: 'Asha' } },
    ]);

    const later = await auth.client().auth.signInWithPassword({ email: 'NEW@example.com', password });
    expect(later.error).toBeNull();
    expect(later.data.user?.last_sign_in_at).toBe(new Date(auth.clock.now()).toISOString());
  });

  it('takes the code by its general name too', async () => {
    const client = auth.client();
    await client.auth.signUp({ email: 'general@example.com', password });
    const token = auth.mails.at(-1)!.code;
    const verified = await client.auth.verifyOtp({ email: 'general@example.com', token, type: 'email' });
    expect(verified.error).toBeNull();
  });

  it('answers for a taken address as for a new one, and sends nothing', async () => {
    await auth.user('taken@example.com', password);
    const sent = auth.mails.length;
    const taken = await auth
      .client()
      .auth.signUp({ email: 'taken@example.com', password, options: { data: { a: 1 } } });
    expect(auth.mails.length).toBe(sent);
    const fresh = await auth
      .client()
      .auth.signUp({ email: 'fresh@example.com', password, options: { data: { a: 1 } } });
    expect(auth.mails.length).toBe(sent + 1);
    const shape = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(shape)
        : value !== null && typeof value === 'object'
          ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]))
          : typeof value;
    expect(taken.error).toBeNull();
    expect(shape(taken.data)).toEqual(shape(fresh.data));
    // The real user's id would be a way to ask for them.
    const [real] = await auth.sql`select id from auth.users where email = 'taken@example.com'`;
    expect(taken.data.user?.id).not.toBe(real!['id']);
    expect((await auth.client().auth.signInWithPassword({ email: 'taken@example.com', password })).error).toBeNull();
  });

  it('pauses between mails to an address, known or not', async () => {
    await auth.user('paused@example.com', password);
    for (const email of ['paused@example.com', 'unknown-paused@example.com']) {
      expect((await auth.client().auth.signUp({ email, password })).error).toBeNull();
      auth.clock.advance(59_000);
      const soon = await auth.post('/signup', { email, password });
      expect(soon.status).toBe(429);
      expect(soon.headers.get('retry-after')).toBe('1');
      expect(await soon.json()).toMatchObject({ error_code: 'over_email_send_rate_limit' });
      auth.clock.advance(1_000);
      expect((await auth.client().auth.signUp({ email, password })).error).toBeNull();
    }
  });

  it('confirms the password that the code was sent for', async () => {
    const email = 'contested@example.com';
    await auth.client().auth.signUp({ email, password: 'of a stranger' });
    const stale = auth.mails.at(-1)!.code;
    auth.nextMail();
    await auth.client().auth.signUp({ email, password: 'of the owner' });
    const token = auth.mails.at(-1)!.code;
    if (stale !== token) {
      const old = await auth.client().auth.verifyOtp({ email, token: stale, type: 'signup' });
      expect(old.error?.code).toBe('otp_expired');
    }
    expect((await auth.client().auth.verifyOtp({ email, token, type: 'signup' })).error).toBeNull();
    const stranger = await auth.client().auth.signInWithPassword({ email, password: 'of a stranger' });
    expect(stranger.error?.code).toBe('invalid_credentials');
    expect((await auth.client().auth.signInWithPassword({ email, password: 'of the owner' })).error).toBeNull();
  });

  it('does not keep a password that somebody chose before the address was proved by other means', async () => {
    const email = 'squatted@example.com';
    await auth.client().auth.signUp({ email, password: 'of a stranger' });
    auth.nextMail();
    await auth.client().auth.signInWithOtp({ email });
    const token = auth.mails.at(-1)!.code;
    expect((await auth.client().auth.verifyOtp({ email, token, type: 'email' })).error).toBeNull();
    const stranger = await auth.client().auth.signInWithPassword({ email, password: 'of a stranger' });
    expect(stranger.error?.code).toBe('invalid_credentials');
  });

  it('survives being asked many times at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => auth.post('/signup', { email: 'crowd@example.com', password })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(7).fill(429)]);
  });

  it('counts a password in bytes', async () => {
    const signUp = async (email: string, secret: string) => auth.client().auth.signUp({ email, password: secret });
    expect((await signUp('short@example.com', 'seven77')).error).toMatchObject({
      code: 'weak_password',
      status: 422,
      reasons: ['length'],
    });
    expect((await signUp('long@example.com', 'x'.repeat(73))).error).toMatchObject({ code: 'validation_failed' });
    expect((await signUp('wide@example.com', 'é'.repeat(37))).error).toMatchObject({ code: 'validation_failed' });
    expect((await signUp('fits@example.com', 'é'.repeat(36))).error).toBeNull();
  });

  it.each([
    ['no address', { password }],
    ['no password', { email: 'a@example.com' }],
    ['not an address', { email: 'not-an-address', password }],
    ['two addresses', { email: 'a@example.com, b@example.com', password }],
    ['a line break', { email: 'a@example.com\nbcc: b@example.com', password }],
    ['an address beyond 255', { email: `${'a'.repeat(250)}@example.com`, password }],
    ['an object', { email: { $ne: null }, password }],
    ['metadata in a list', { email: 'a@example.com', password, data: [] }],
    ['metadata beyond 8,000 bytes', { email: 'a@example.com', password, data: { x: 'y'.repeat(8_000) } }],
    ['NUL in metadata', { email: 'nul@example.com', password, data: { x: '\0' } }],
    ['NUL in the password', { email: 'nul2@example.com', password: 'password\0' }],
  ])('refuses %s', async (_name, body) => {
    const answer = await auth.post('/signup', body);
    expect(answer.status).toBe(422);
    expect(auth.reported).toEqual([]);
  });

  it('lets nobody choose who they are through metadata', async () => {
    const data = { sub: 'somebody', email: 'victim@example.com', email_verified: true, role: 'service_role' };
    const { data: answer } = await auth
      .client()
      .auth.signUp({ email: 'chooser@example.com', password, options: { data } });
    expect(answer.user?.role).toBe('authenticated');
    expect(answer.user?.app_metadata).toEqual({ provider: 'email', providers: ['email'] });
    expect(answer.user?.identities?.[0]?.identity_data).toMatchObject({
      sub: answer.user?.id,
      email: 'chooser@example.com',
      email_verified: false,
    });
  });
});

it('signs in at once where addresses are taken for proved', async () => {
  await using open = await startAuth({ autoConfirm: true });
  const first = await open.client().auth.signUp({ email: 'a@example.com', password });
  expect(first.data.session).not.toBeNull();
  const second = await open.client().auth.signUp({ email: 'a@example.com', password });
  expect(second.error).toMatchObject({ code: 'user_already_exists', status: 422 });
  expect(open.mails).toEqual([]);
});

it('says that a mail could not be sent, and lets it be asked for again', async () => {
  let broken = true;
  await using auth2 = await startAuth({
    sendMail: async () => {
      if (broken) throw new Error('no outbox');
    },
  });
  const failed = await auth2.post('/signup', { email: 'a@example.com', password });
  expect(failed.status).toBe(500);
  expect(auth2.reported).toEqual([expect.objectContaining({ message: 'no outbox' })]);
  broken = false;
  expect((await auth2.post('/signup', { email: 'a@example.com', password })).status).toBe(200);
  broken = true;
  auth2.nextMail();
  // Here a failure would tell that somebody has the address.
  expect((await auth2.post('/recover', { email: 'a@example.com' })).status).toBe(200);
});
