/** POST /signup: the answer is the same whether or not somebody has the address. */
import { randomUUID } from 'node:crypto';
import { type Hono } from 'hono';
import postgres from 'postgres';
import { z } from 'zod';
import { type AuthContext } from '../context.ts';
import { hashPassword } from '../passwords.ts';
import { AuthProblem, invalid } from '../problem.ts';
import { emailSchema, metadataSchema, readBody, requirePassword } from '../request-body.ts';
import { createUser, findByEmail, findById, userJson, type AuthUser, type Metadata } from '../users.ts';

const signUpSchema = z.object({
  email: emailSchema.optional(),
  phone: z.string().optional(),
  password: z.string().optional(),
  data: metadataSchema.nullish().transform((data) => data ?? {}),
});

export function signUpRoutes(app: Hono, auth: AuthContext): void {
  app.post('/signup', async (c) => {
    const { email, phone, password, data } = await readBody(c, signUpSchema);
    if (email === undefined) {
      if (phone !== undefined) throw new AuthProblem(422, 'phone_provider_disabled', 'Phone signups are disabled');
      throw new AuthProblem(422, 'anonymous_provider_disabled', 'Anonymous sign-ins are disabled');
    }
    if (password === undefined) throw invalid('Signup requires a valid password');
    requirePassword(password);
    if (!auth.autoConfirm) auth.mailer.requirePause(email);
    // The slow part comes before the look at the address, so that time says nothing about it.
    const passwordHash = await hashPassword(auth.sql, password);
    const user = await register(auth, { email, passwordHash, userMetadata: data });
    if (auth.autoConfirm) {
      if (!user) throw new AuthProblem(422, 'user_already_exists', 'User already registered');
      return c.json(await auth.sessions.open(auth.sql, user.id, 'password'));
    }
    // Sent to users who are not confirmed yet only; for the others it does the same work without a mail.
    if (!(await auth.mailer.send('signup', email, c.req.query('redirect_to'), { unconfirmed: true }))) {
      throw new AuthProblem(500, 'unexpected_failure', 'Error sending confirmation email');
    }
    const shown = user && (await findById(auth.sql, user.id));
    return c.json(userJson(shown ?? pretended(email, data, new Date(auth.now()))));
  });
}

/** @returns the user to be confirmed, `undefined` where a confirmed one has the address */
async function register(
  auth: AuthContext,
  wanted: { readonly email: string; readonly passwordHash: string; readonly userMetadata: Metadata },
): Promise<{ readonly id: string } | undefined> {
  const { sql, autoConfirm } = auth;
  const existing = await findByEmail(sql, wanted.email);
  if (existing) {
    if (existing.confirmedAt || autoConfirm) return undefined;
    // The code that goes out now confirms what was asked for now: whoever signed up this address before them does not
    // get to choose its owner's password.
    await sql`
      update auth.users set
        encrypted_password = ${wanted.passwordHash}, raw_user_meta_data = ${sql.json(wanted.userMetadata)},
        updated_at = now()
      where id = ${existing.id} and email_confirmed_at is null`;
    return existing;
  }
  try {
    const id = await createUser(sql, { ...wanted, confirmedAt: autoConfirm ? new Date(auth.now()) : null });
    return { id };
  } catch (error) {
    // Somebody was faster.
    if (error instanceof postgres.PostgresError && error.code === '23505') return undefined;
    throw error;
  }
}

/**
 * Looks like a user who has just signed up. GoTrue leaves the identities out here, which tells that the address is
 * taken; this does not.
 */
function pretended(email: string, data: Metadata, at: Date): AuthUser {
  const id = randomUUID();
  const identity = { sub: id, email, email_verified: false, phone_verified: false, ...data };
  const time = at.toISOString();
  return {
    id,
    role: 'authenticated',
    email,
    newEmail: null,
    confirmedAt: null,
    confirmationSentAt: at,
    recoverySentAt: null,
    emailChangeSentAt: null,
    lastSignInAt: null,
    bannedUntil: null,
    appMetadata: { provider: 'email', providers: ['email'] },
    userMetadata: data,
    identities: [
      {
        identity_id: randomUUID(),
        id,
        user_id: id,
        identity_data: identity,
        provider: 'email',
        last_sign_in_at: time,
        created_at: time,
        updated_at: time,
        email,
      },
    ],
    createdAt: at,
    updatedAt: at,
  };
}
