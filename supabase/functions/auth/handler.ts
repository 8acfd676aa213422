/** `/v1/auth`: sign-up with an e-mail code, sign-in and passwords, for clients that speak our API and not the auth server's. */
import { Context, type Hono } from 'hono';
import { z } from 'zod';
import { ApiError } from '../_shared/api-error.ts';
import { callerOf, type UserCaller } from '../_shared/authenticate.ts';
import type { Dependencies } from '../_shared/dependencies.ts';
import { readJson } from '../_shared/http.ts';
import { operatorApp } from '../_operator/app.ts';
import { noQuery, text } from '../_operator/fields.ts';
import { readQuery } from '../_operator/request.ts';
import { askAuthServer } from './auth-server.ts';
import { authSession, organisationsOf, toSession, type SignedIn } from './session.ts';

const LIMITS = { maxBytes: 8_000 };
const email = z.email().max(254);
/** bcrypt reads 72 bytes; the auth server has its own rules for the rest. */
const password = text(72);

const registration = z.strictObject({ email, password, organisation: text(200).optional() });
const verification = z.strictObject({
  email,
  code: z.string().regex(/^\d{6,10}$/, 'must be the 6 to 10 digits of the e-mail'),
  purpose: z.enum(['register', 'recover']).default('register'),
});
const login = z.strictObject({ email, password: text(200) });
const refreshment = z.strictObject({ refreshToken: text(1_000) });
const recovery = z.strictObject({ email });
const newPassword = z.strictObject({ password });

/**
 * The app of `/auth`. `SignedIn` is `{ session: { accessToken, refreshToken, expiresAt, user: { id, email } }, organisations:
 * [{ id, name, plan, role }] }`; whoever signs in for the first time gets an organisation.
 *
 * - `POST /register { email, password, organisation? }` → 201 `SignedIn`, or 202 `{ status: 'confirmation_required', email }`:
 *   then a code is on its way. The same for an address that is registered, so that nobody learns whether it is.
 * - `POST /verify { email, code, purpose? }` → `SignedIn`; purpose `register` (default) or `recover`
 * - `POST /login { email, password }` → `SignedIn`
 * - `POST /refresh { refreshToken }` → `SignedIn`
 * - `POST /recover { email }` → 202 `{ status: 'code_sent_if_registered' }`
 * - `POST /password { password }` → 204, for the user of the access token
 *
 * Errors: the auth server's own, with its status and code (`invalid_credentials`, `weak_password`, `otp_expired`,
 * `email_not_confirmed`, `over_request_rate_limit`, …), 401, 422 `invalid`, 503 `auth_unavailable`.
 */
export function handler(deps: Dependencies): Hono {
  const app = operatorApp('/auth');

  const signIn = async (c: Context, answer: unknown, status: 200 | 201): Promise<Response> => {
    const { success, data } = authSession.safeParse(answer);
    if (!success) throw new ApiError(503, 'auth_unavailable', 'The auth server gave no session. Try again soon.');
    // The token is checked like any other: what our own database does, it does for a verified user.
    const caller = await userOf(data.access_token, deps);
    const signedIn: SignedIn = {
      session: toSession(data, deps.now()),
      organisations: await organisationsOf(deps.database, caller, data),
    };
    return c.json(signedIn, status);
  };

  app.post('/register', async (c) => {
    readQuery(c, noQuery);
    const body = await readJson(c, registration, LIMITS);
    const answer = await askAuthServer(deps, {
      method: 'POST',
      path: '/signup',
      body: { email: body.email, password: body.password, data: { organisation: body.organisation } },
    });
    if (authSession.safeParse(answer).success) return signIn(c, answer, 201);
    return c.json({ status: 'confirmation_required', email: body.email }, 202);
  });

  app.post('/verify', async (c) => {
    readQuery(c, noQuery);
    const { email: address, code, purpose } = await readJson(c, verification, LIMITS);
    const type = purpose === 'recover' ? 'recovery' : 'email';
    return signIn(
      c,
      await askAuthServer(deps, { method: 'POST', path: '/verify', body: { type, email: address, token: code } }),
      200,
    );
  });

  app.post('/login', async (c) => {
    readQuery(c, noQuery);
    const body = await readJson(c, login, LIMITS);
    return signIn(c, await askAuthServer(deps, { method: 'POST', path: '/token?grant_type=password', body }), 200);
  });

  app.post('/refresh', async (c) => {
    readQuery(c, noQuery);
    const { refreshToken } = await readJson(c, refreshment, LIMITS);
    return signIn(
      c,
      await askAuthServer(deps, {
        method: 'POST',
        path: '/token?grant_type=refresh_token',
        body: { refresh_token: refreshToken },
      }),
      200,
    );
  });

  app.post('/recover', async (c) => {
    readQuery(c, noQuery);
    const body = await readJson(c, recovery, LIMITS);
    await askAuthServer(deps, { method: 'POST', path: '/recover', body });
    return c.json({ status: 'code_sent_if_registered' }, 202);
  });

  app.post('/password', async (c) => {
    readQuery(c, noQuery);
    const caller = await callerOf(c, deps);
    if (caller.kind !== 'user') {
      throw new ApiError(
        403,
        'user_required',
        'An API key has no password. Send the access token of a signed-in user.',
      );
    }
    const body = await readJson(c, newPassword, LIMITS);
    const token = c.req.header('authorization')?.replace(/^bearer +/i, '');
    await askAuthServer(deps, { method: 'PUT', path: '/user', body, token });
    return c.body(null, 204);
  });

  return app;
}

/** The user of a token that the auth server has just given, read as any request's credentials are. */
async function userOf(token: string, deps: Dependencies): Promise<UserCaller> {
  const headers = { authorization: `Bearer ${token}` };
  const caller = await callerOf(new Context(new Request(deps.settings.supabaseUrl, { headers })), deps);
  if (caller.kind === 'user') return caller;
  throw new ApiError(503, 'auth_unavailable', 'The auth server gave no user token. Try again soon.');
}
