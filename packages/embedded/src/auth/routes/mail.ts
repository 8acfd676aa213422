/** POST /otp, /recover and /resend: a mail to an address. The answer is the same whether or not somebody has it. */
import { type Hono } from 'hono';
import postgres from 'postgres';
import { z } from 'zod';
import { type AuthContext } from '../context.ts';
import { AuthProblem } from '../problem.ts';
import { emailSchema, metadataSchema, readBody } from '../request-body.ts';
import { createUser, findByEmail } from '../users.ts';

const otpSchema = z.object({
  email: emailSchema.optional(),
  create_user: z.boolean().nullish(),
  data: metadataSchema.nullish().transform((data) => data ?? {}),
});
const recoverSchema = z.object({ email: emailSchema });
const resendSchema = z.object({ email: emailSchema, type: z.enum(['signup', 'email_change']) });

export function mailRoutes(app: Hono, auth: AuthContext): void {
  app.post('/otp', async (c) => {
    const { email, create_user: create, data } = await readBody(c, otpSchema);
    if (email === undefined)
      throw new AuthProblem(422, 'phone_provider_disabled', 'Codes are sent to email addresses only');
    auth.mailer.requirePause(email);
    if (create !== false && !(await findByEmail(auth.sql, email))) {
      try {
        await createUser(auth.sql, { email, passwordHash: '', confirmedAt: null, userMetadata: data });
      } catch (error) {
        // Somebody was faster; the code goes to the same address.
        if (!(error instanceof postgres.PostgresError) || error.code !== '23505') throw error;
      }
    }
    await auth.mailer.send('magiclink', email, c.req.query('redirect_to'));
    return c.json({});
  });

  app.post('/recover', async (c) => {
    const { email } = await readBody(c, recoverSchema);
    auth.mailer.requirePause(email);
    await auth.mailer.send('recovery', email, c.req.query('redirect_to'));
    return c.json({});
  });

  app.post('/resend', async (c) => {
    const { email, type } = await readBody(c, resendSchema);
    auth.mailer.requirePause(email);
    await auth.mailer.send(type, email, c.req.query('redirect_to'), { unconfirmed: type === 'signup' });
    return c.json({});
  });
}
