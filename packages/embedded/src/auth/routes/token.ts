/** POST /token: a session for a password, or the next one for a refresh token. */
import { type Hono } from 'hono';
import { z } from 'zod';
import { type AuthContext } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { findByPassword } from '../passwords.ts';
import { AuthProblem } from '../problem.ts';
import { emailSchema, readBody } from '../request-body.ts';
import { findById } from '../users.ts';

const passwordSchema = z.object({ email: emailSchema, password: z.string() });
const refreshSchema = z.object({ refresh_token: z.string().min(1).max(255) });

export function tokenRoutes(app: Hono, auth: AuthContext): void {
  app.post('/token', async (c) => {
    switch (c.req.query('grant_type')) {
      case 'password': {
        const { email, password } = await readBody(c, passwordSchema);
        return c.json(await signIn(auth, email, password));
      }
      case 'refresh_token': {
        const { refresh_token: refreshToken } = await readBody(c, refreshSchema);
        return c.json(await auth.sessions.refresh(refreshToken));
      }
      default:
        throw new AuthProblem(400, 'validation_failed', 'unsupported_grant_type');
    }
  });
}

async function signIn(auth: AuthContext, email: string, password: string): Promise<object> {
  const waitMs = auth.signIns.take(email);
  if (waitMs > 0) {
    throw new AuthProblem(
      429,
      'over_request_rate_limit',
      `Too many sign-in attempts for this address; try again in ${Math.ceil(waitMs / 1_000)} seconds`,
      { retryAfterMs: waitMs },
    );
  }
  const found = await findByPassword(auth.sql, email, password);
  // Bcrypt takes a password's first 72 bytes for the whole.
  const whole = password.isWellFormed() && Buffer.byteLength(password) <= LIMITS.password.maxBytes;
  const user = found !== undefined && whole ? await findById(auth.sql, found) : undefined;
  if (!user) throw new AuthProblem(400, 'invalid_credentials', 'Invalid login credentials');
  auth.signIns.clear(email);
  if (!user.confirmedAt) throw new AuthProblem(400, 'email_not_confirmed', 'Email not confirmed');
  return auth.sessions.open(auth.sql, user.id, 'password');
}
