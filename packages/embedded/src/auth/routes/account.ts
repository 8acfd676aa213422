/** GET and PUT /user, POST /logout: what a signed-in user may do with their own account. */
import { type Context, type Hono } from 'hono';
import { z } from 'zod';
import { bearer, type AuthContext } from '../context.ts';
import { hashPassword, isPasswordOf } from '../passwords.ts';
import { AuthProblem, invalid } from '../problem.ts';
import { emailSchema, metadataSchema, readBody, requirePassword } from '../request-body.ts';
import { changeEmail, findByEmail, findById, mergeMetadata, userJson, type AuthUser } from '../users.ts';

const updateSchema = z.object({
  email: emailSchema.nullish(),
  password: z.string().nullish(),
  data: metadataSchema.nullish(),
});

const SCOPES = ['global', 'local', 'others'] as const;

export function accountRoutes(app: Hono, auth: AuthContext): void {
  const caller = (c: Context) => auth.sessions.authenticate(bearer(c.req.header('authorization')));

  app.get('/user', async (c) => c.json(userJson((await caller(c)).user)));

  app.put('/user', async (c) => {
    const { user, sessionId } = await caller(c);
    const { email, password, data } = await readBody(c, updateSchema);
    if (password != null) await changePassword(auth, user, password, sessionId);
    if (data) {
      const merged = { ...user.userMetadata, ...data };
      if (!metadataSchema.safeParse(merged).success) throw invalid('The metadata would become too large');
      await mergeMetadata(auth.sql, user.id, { user: data });
    }
    if (email != null && email !== user.email) await askForEmail(auth, user, email, c.req.query('redirect_to'));
    return c.json(userJson((await findById(auth.sql, user.id)) ?? user));
  });

  app.post('/logout', async (c) => {
    const { user, sessionId } = await caller(c);
    const asked = c.req.query('scope') ?? 'global';
    const scope = SCOPES.find((known) => known === asked);
    switch (scope) {
      case 'global':
        await auth.sessions.closeAll(auth.sql, user.id);
        break;
      case 'local':
        await auth.sessions.close(auth.sql, sessionId);
        break;
      case 'others':
        await auth.sessions.closeAll(auth.sql, user.id, sessionId);
        break;
      case undefined:
        throw new AuthProblem(400, 'validation_failed', `Unsupported logout scope; use one of ${SCOPES.join(', ')}`);
    }
    return c.body(null, 204);
  });
}

/** A new password ends all other sessions, and the mails that could have set one. */
async function changePassword(auth: AuthContext, user: AuthUser, password: string, sessionId: string): Promise<void> {
  requirePassword(password);
  if (await isPasswordOf(auth.sql, user.id, password)) {
    throw new AuthProblem(422, 'same_password', 'New password should be different from the old password.');
  }
  const hash = await hashPassword(auth.sql, password);
  await auth.sql.begin(async (sql) => {
    await sql`update auth.users set encrypted_password = ${hash}, updated_at = now() where id = ${user.id}`;
    await sql`delete from auth.one_time_tokens where user_id = ${user.id} and token_type = 'recovery_token'`;
    await auth.sessions.closeAll(sql, user.id, sessionId);
  });
}

/** The address changes when the mail to it is answered. Whether somebody else has it is not told. */
async function askForEmail(auth: AuthContext, user: AuthUser, email: string, redirectTo?: string): Promise<void> {
  if (auth.autoConfirm) {
    await changeEmail(auth.sql, user.id, email, new Date(auth.now()));
    return;
  }
  auth.mailer.requirePause(email);
  await auth.sql`
    update auth.users set email_change = ${email}, email_change_sent_at = ${new Date(auth.now())}, updated_at = now()
    where id = ${user.id}`;
  if (await findByEmail(auth.sql, email)) return;
  await auth.mailer.send('email_change', email, redirectTo, { userId: user.id });
}
