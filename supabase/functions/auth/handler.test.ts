import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authApp, type Mail } from '../../../packages/embedded/src/auth/index.ts';
import { handler as keys } from '../keys/handler.ts';
import { SECRET, startFixture, type Answer, type Fixture } from '../_operator/testing/fixture.ts';
import type { SignedIn } from './session.ts';
import { handler } from './handler.ts';

const PASSWORD = 'correct horse battery';
const SITE = 'https://project.example';

let fixture: Fixture;
let app: Hono;
/** The same, where addresses need no confirmation. */
let open: Hono;
let clock = Date.now();
const mails: Mail[] = [];
const asked: { url: string; headers: Headers }[] = [];

/** The function, with an auth server behind its `fetch`. */
function withServer(autoConfirm: boolean): Hono {
  const now = () => clock;
  const sendMail = async (mail: Mail) => void mails.push(mail);
  const server = new Hono().route(
    '/auth/v1',
    authApp({ sql: fixture.sql, jwtSecret: SECRET, siteUrl: SITE, now, sendMail, autoConfirm }),
  );
  const through: typeof fetch = async (input, init) => {
    asked.push({ url: String(input), headers: new Headers(init?.headers) });
    return server.request(String(input), init);
  };
  return handler({ ...fixture.deps, now, fetch: through });
}

beforeAll(async () => {
  fixture = await startFixture();
  app = withServer(false);
  open = withServer(true);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const post = (path: string, body: unknown, as?: string): Promise<Answer<SignedIn>> =>
  fixture.send(app, `POST /auth/${path}`, { body, ...(as === undefined ? {} : { as }) });
const nextMail = (): void => void (clock += 61_000);
const codeFor = (email: string): string => mails.findLast(({ to }) => to === email)!.code;

/** Registers and confirms a person. */
async function join(email: string, organisation?: string): Promise<Answer<SignedIn>> {
  await post('register', { email, password: PASSWORD, ...(organisation === undefined ? {} : { organisation }) });
  return post('verify', { email, code: codeFor(email) });
}

describe('registering', () => {
  it('asks for the code of the e-mail, then signs in and makes the organisation', async () => {
    const email = 'ada@example.com';
    const registered = await post('register', { email, password: PASSWORD, organisation: 'Analytical Engines' });
    expect(registered).toMatchObject({ status: 202, body: { status: 'confirmation_required', email } });
    expect(await post('login', { email, password: PASSWORD })).toMatchObject({
      status: 400,
      body: { error: { code: 'email_not_confirmed' } },
    });
    const verified = await post('verify', { email, code: codeFor(email) });
    expect(verified).toMatchObject({
      status: 200,
      body: {
        session: {
          accessToken: expect.any(String),
          refreshToken: expect.any(String),
          expiresAt: new Date(clock + 3_600_000).toISOString(),
          user: { id: expect.any(String), email },
        },
        organisations: [{ id: expect.any(String), name: 'Analytical Engines', plan: 'free', role: 'owner' }],
      },
    });
    const made = await fixture.send(keys(fixture.deps), 'POST /keys', {
      as: verified.body.session.accessToken,
      body: { name: 'first' },
    });
    expect(made.status).toBe(201);
  });

  it('says the same for an address that is taken', async () => {
    const email = 'taken@example.com';
    await join(email);
    const sent = mails.length;
    nextMail();
    const again = await post('register', { email, password: 'another password' });
    expect(again).toMatchObject({ status: 202, body: { status: 'confirmation_required', email } });
    expect(Object.keys(again.body)).toEqual(['status', 'email']);
    expect(mails.length).toBe(sent);
  });

  it('signs in at once where addresses need no confirmation', async () => {
    const body = { email: 'quick@example.com', password: PASSWORD };
    const registered = await fixture.send(open, 'POST /auth/register', { body });
    expect(registered).toMatchObject({
      status: 201,
      body: { session: { user: { email: body.email } }, organisations: [{ name: 'quick organisation' }] },
    });
    expect(await fixture.send(open, 'POST /auth/register', { body })).toMatchObject({
      status: 422,
      body: { error: { code: 'user_already_exists' } },
    });
  });

  it('passes on what the auth server finds wrong', async () => {
    expect(await post('register', { email: 'weak@example.com', password: 'short' })).toMatchObject({
      status: 422,
      body: { error: { code: 'weak_password', message: expect.any(String) } },
    });
    const early = await post('register', { email: 'ada2@example.com', password: PASSWORD });
    const tooSoon = await post('register', { email: 'ada2@example.com', password: PASSWORD });
    expect(early.status).toBe(202);
    expect(tooSoon).toMatchObject({ status: 429, body: { error: { code: 'over_email_send_rate_limit' } } });
  });
});

describe('verifying', () => {
  it('takes no wrong code, and none twice', async () => {
    const email = 'code@example.com';
    await post('register', { email, password: PASSWORD });
    const code = codeFor(email);
    const wrong = code === '000000' ? '000001' : '000000';
    expect(await post('verify', { email, code: wrong })).toMatchObject({ body: { error: { code: 'otp_expired' } } });
    expect((await post('verify', { email, code })).status).toBe(200);
    expect(await post('verify', { email, code })).toMatchObject({ body: { error: { code: 'otp_expired' } } });
  });

  it('makes one organisation, also where two tabs sign in for the first time at once', async () => {
    const email = 'once@example.com';
    await post('register', { email, password: PASSWORD });
    const { sql } = fixture;
    // Confirmed by the link of the mail: the first sign-in is by password.
    const [user] = await sql<{ id: string }[]>`
      update auth.users set email_confirmed_at = now() where email = ${email} returning id`;
    let over = false;
    const login = await sql.begin(async (otherTab) => {
      await otherTab`
        select pg_advisory_xact_lock(hashtextextended('kavach.first_organization:' || ${user!.id}::text, 0))`;
      const answer = post('login', { email, password: PASSWORD }).finally(() => (over = true));
      for (let waits = false; !waits && !over;) {
        const [row] = await sql<{ waits: boolean }[]>`
          select exists (select from pg_locks l join pg_database d on d.oid = l.database and d.datname = current_database()
            where l.locktype = 'advisory' and not l.granted) as waits`;
        waits = row!.waits;
      }
      await otherTab`
        with made as (insert into kavach.organizations (name) values ('Of the other tab') returning id)
        insert into kavach.members (org_id, user_id, role) select made.id, ${user!.id}, 'owner' from made`;
      return { answer };
    });
    const organisations = [{ name: 'Of the other tab' }];
    expect((await login.answer).body).toMatchObject({ organisations });
    expect((await post('login', { email, password: PASSWORD })).body).toMatchObject({ organisations });
    const rows = await sql`select from kavach.members where user_id = ${user!.id}`;
    expect(rows.count).toBe(1);
  });
});

describe('signing in', () => {
  it('lists the organisations, and refuses wrong passwords alike for known and unknown addresses', async () => {
    const email = 'grace@example.com';
    const { organisations } = (await join(email, 'Compilers')).body;
    const signedIn = await post('login', { email, password: PASSWORD });
    expect(signedIn).toMatchObject({ status: 200, body: { organisations } });
    const wrong = await post('login', { email, password: 'not the password' });
    const unknown = await post('login', { email: 'nobody@example.com', password: PASSWORD });
    expect(wrong).toMatchObject({ status: 400, body: { error: { code: 'invalid_credentials' } } });
    expect(unknown.body).toEqual(wrong.body);
    expect(unknown.status).toBe(wrong.status);
  });

  it('refreshes a session, and not a made-up one', async () => {
    const { session } = (await join('fresh@example.com')).body;
    clock += 10_000;
    const refreshed = await post('refresh', { refreshToken: session.refreshToken });
    expect(refreshed).toMatchObject({ status: 200, body: { organisations: [{ role: 'owner' }] } });
    expect(refreshed.body.session.refreshToken).not.toBe(session.refreshToken);
    expect(await post('refresh', { refreshToken: 'made-up' })).toMatchObject({
      status: 400,
      body: { error: { code: 'refresh_token_not_found' } },
    });
  });

  it('says that the auth server is out of reach, and nothing more', async () => {
    const answers: (() => Promise<Response>)[] = [
      () => Promise.reject(new TypeError('connect ECONNREFUSED 10.0.0.7')),
      async () => new Response('<html>bad gateway</html>', { status: 502 }),
      async () => Response.json({ msg: 'panic: nil pointer' }, { status: 500 }),
      async () => Response.json({ access_token: 'x' }),
      async () => new Response('x'.repeat(300_000)),
    ];
    for (const answer of answers) {
      const broken = handler({ ...fixture.deps, fetch: answer });
      const login = await fixture.send(broken, 'POST /auth/login', { body: { email: 'a@example.com', password: 'x' } });
      expect(login).toMatchObject({ status: 503, body: { error: { code: 'auth_unavailable' } } });
      expect(JSON.stringify(login.body)).not.toMatch(/10\.0\.0\.7|panic|html/);
    }
  });

  it('believes no token that the project did not sign', async () => {
    const session = {
      access_token: 'eyJhbGciOiJub25lIn0.e30.',
      refresh_token: 'r',
      expires_in: 3600,
      user: { id: fixture.acme.ownerId, email: 'a@example.com' },
    };
    const forged = handler({ ...fixture.deps, fetch: async () => Response.json(session) });
    const login = await fixture.send(forged, 'POST /auth/login', { body: { email: 'a@example.com', password: 'x' } });
    expect(login.status).toBe(401);
  });
});

describe('a forgotten password', () => {
  it('is replaced with the code of an e-mail', async () => {
    const email = 'forgot@example.com';
    await join(email);
    nextMail();
    const known = await post('recover', { email });
    const unknown = await post('recover', { email: 'nobody-at-all@example.com' });
    expect(known).toMatchObject({ status: 202, body: { status: 'code_sent_if_registered' } });
    expect(unknown.body).toEqual(known.body);
    const verified = await post('verify', { email, code: codeFor(email), purpose: 'recover' });
    expect(verified.status).toBe(200);
    const changed = await post('password', { password: 'a new and better one' }, verified.body.session.accessToken);
    expect(changed.status).toBe(204);
    expect((await post('login', { email, password: PASSWORD })).status).toBe(400);
    expect((await post('login', { email, password: 'a new and better one' })).status).toBe(200);
  });

  it('is changed by its owner only', async () => {
    const body = { password: 'a new and better one' };
    expect((await post('password', body)).status).toBe(401);
    expect((await post('password', body, 'not.a.token')).status).toBe(401);
    expect(await post('password', body, fixture.acme.keys.admin)).toMatchObject({
      status: 403,
      body: { error: { code: 'user_required' } },
    });
  });
});

describe('requests', () => {
  it('are refused where they are not as they should be', async () => {
    const email = 'x@example.com';
    for (const [path, body, fault] of [
      ['register', { email: 'x', password: PASSWORD }, 'email'],
      ['register', { email, password: PASSWORD, role: 'admin' }, ''],
      ['register', { email, password: 'x'.repeat(73) }, 'password'],
      ['verify', { email, code: '12345a' }, 'code'],
      ['verify', { email, code: '123456', purpose: 'email_change' }, 'purpose'],
      ['login', { email }, 'password'],
      ['refresh', {}, 'refreshToken'],
      ['recover', { email: null }, 'email'],
    ] as const) {
      const { status, body: answer } = await post(path, body);
      expect(answer.error).toMatchObject({ code: 'invalid', details: [{ path: fault }] });
      expect(status).toBe(422);
    }
    expect((await fixture.send(app, 'GET /auth/login')).status).toBe(405);
    expect((await fixture.send(app, 'POST /auth/login?next=/', { body: { email, password: 'x' } })).status).toBe(422);
    expect((await post('logout', {})).status).toBe(404);
    expect((await post('login', { email, password: 'x'.repeat(9_000) })).status).toBe(413);
  });

  it('carry no secret in a URL, and the project’s own key', () => {
    expect(asked.length).toBeGreaterThan(0);
    for (const { url, headers } of asked) {
      expect(url).toMatch(/^https:\/\/project\.example\/auth\/v1\/[a-z]+(?:\?grant_type=[a-z_]+)?$/);
      expect(headers.get('apikey')).toBe('anon-key');
    }
  });
});
