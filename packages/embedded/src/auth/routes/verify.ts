/** POST and GET /verify: a session for a code or a link, and the address is proved by it. */
import { type Hono } from 'hono';
import { z } from 'zod';
import { type AuthContext } from '../context.ts';
import { type CodeKind, type ProvenAddress } from '../one-time-codes.ts';
import { AuthProblem } from '../problem.ts';
import { redirectWithin } from '../redirect.ts';
import { emailSchema, readBody } from '../request-body.ts';
import { type SessionJson } from '../sessions.ts';
import { changeEmail, confirmEmail, findById, type Queries } from '../users.ts';

const typeSchema = z.enum(['signup', 'email', 'magiclink', 'recovery', 'email_change']);
const verifySchema = z.object({
  type: typeSchema,
  email: emailSchema.optional(),
  token: z.string().max(255).optional(),
  token_hash: z.string().max(255).optional(),
});

const KINDS: Readonly<Record<z.infer<typeof typeSchema>, readonly CodeKind[]>> = {
  signup: ['confirmation_token'],
  email: ['confirmation_token', 'recovery_token'],
  magiclink: ['recovery_token'],
  recovery: ['recovery_token'],
  email_change: ['email_change_token_new'],
};

export function verifyRoutes(app: Hono, auth: AuthContext): void {
  app.post('/verify', async (c) => {
    const { type, email, token, token_hash: tokenHash } = await readBody(c, verifySchema);
    if (tokenHash !== undefined) return c.json(await admit(auth, await auth.codes.redeemLink(KINDS[type], tokenHash)));
    if (email === undefined || token === undefined) {
      throw new AuthProblem(400, 'validation_failed', 'Verify requires token_hash, or email and token');
    }
    return c.json(await admit(auth, await auth.codes.redeemCode(KINDS[type], email, token)));
  });

  app.get('/verify', async (c) => {
    // Mail scanners ask for the head to see where a link leads; that must not use it up.
    if (c.req.method === 'HEAD') return c.body(null, 200);
    const target = redirectWithin(auth.siteUrl, c.req.query('redirect_to'));
    const type = typeSchema.safeParse(c.req.query('type'));
    let fragment: Record<string, string>;
    try {
      if (!type.success) throw new AuthProblem(400, 'validation_failed', 'Verify requires a verification type');
      const proven = await auth.codes.redeemLink(KINDS[type.data], c.req.query('token') ?? '');
      const { user: _user, ...session } = await admit(auth, proven);
      fragment = { ...Object.fromEntries(Object.entries(session).map(([k, v]) => [k, String(v)])), type: type.data };
    } catch (error) {
      if (!(error instanceof AuthProblem)) throw error;
      fragment = { error: 'access_denied', error_code: error.code, error_description: error.message };
    }
    return c.redirect(`${target}#${new URLSearchParams(fragment).toString()}`, 303);
  });
}

async function admit(auth: AuthContext, proven: ProvenAddress): Promise<SessionJson> {
  const at = new Date(auth.now());
  return auth.sql.begin(async (sql) => {
    if (proven.kind === 'email_change_token_new') await changeEmail(sql, proven.userId, proven.email, at);
    else await confirm(sql, proven, at);
    return auth.sessions.open(sql, proven.userId, 'otp');
  });
}

async function confirm(sql: Queries, { userId, kind }: ProvenAddress, at: Date): Promise<void> {
  const user = await findById(sql, userId);
  if (!user || user.confirmedAt) return;
  // A password that came before the address was proved, and not with the mail that proves it, may be a stranger's.
  if (kind === 'recovery_token') await sql`update auth.users set encrypted_password = '' where id = ${userId}`;
  await confirmEmail(sql, userId, at);
}
