/** /admin/users: all users, for holders of the service key. */
import { type Hono } from 'hono';
import { z } from 'zod';
import { bearer, type AuthContext } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { hashPassword } from '../passwords.ts';
import { AuthProblem } from '../problem.ts';
import { emailSchema, metadataSchema, readBody, requirePassword } from '../request-body.ts';
import { changeEmail, confirmEmail, createUser, findByEmail, findById } from '../users.ts';
import { mergeMetadata, userColumns, userJson, type AuthUser } from '../users.ts';

// Strict: an attribute that is not supported here would otherwise be lost without a word.
const attributesSchema = z.strictObject({
  email: emailSchema.optional(),
  password: z.string().optional(),
  email_confirm: z.boolean().optional(),
  user_metadata: metadataSchema.optional(),
  app_metadata: metadataSchema.optional(),
});
const newUserSchema = attributesSchema.required({ email: true });
const deleteSchema = z.object({ should_soft_delete: z.literal(false, 'Soft deletion is not supported').optional() });
const pageSchema = z.object({
  page: z.coerce.number().int().min(0).max(LIMITS.maxPage).catch(1),
  per_page: z.coerce.number().int().min(0).max(LIMITS.page.max).catch(LIMITS.page.default),
});

export function adminRoutes(app: Hono, auth: AuthContext): void {
  const { sql } = auth;

  app.use('/admin/*', async (c, next) => {
    const token = bearer(c.req.header('authorization'));
    if (token === undefined) {
      throw new AuthProblem(401, 'no_authorization', 'This endpoint requires a valid Bearer token');
    }
    const role = await auth.tokens.readRole(token);
    if (role === undefined) throw new AuthProblem(403, 'bad_jwt', 'invalid JWT: it is expired, or not of this project');
    if (role !== 'service_role') throw new AuthProblem(403, 'not_admin', 'User not allowed');
    await next();
  });

  app.get('/admin/users', async (c) => {
    const asked = pageSchema.parse({ page: c.req.query('page'), per_page: c.req.query('per_page') });
    // supabase-js sends empty values for "as usual", which count as 0.
    const [page, size] = [asked.page || 1, asked.per_page || LIMITS.page.default];
    const [count] = await sql<{ total: number }[]>`
      select count(*)::int as total from auth.users where deleted_at is null`;
    const users = await sql<AuthUser[]>`
      select ${userColumns(sql)} from auth.users as users where users.deleted_at is null
      order by users.created_at, users.id limit ${size} offset ${(page - 1) * size}`;
    const total = count?.total ?? 0;
    const last = Math.max(1, Math.ceil(total / size));
    const link = (to: number, rel: string) => `</admin/users?page=${to}&per_page=${size}>; rel="${rel}"`;
    c.header('x-total-count', String(total));
    c.header('link', [...(page < last ? [link(page + 1, 'next')] : []), link(last, 'last')].join(', '));
    return c.json({ users: users.map(userJson), aud: 'authenticated' });
  });

  app.post('/admin/users', async (c) => {
    const wanted = await readBody(c, newUserSchema);
    const passwordHash = wanted.password === undefined ? '' : await hashPassword(sql, requirePassword(wanted.password));
    await requireFree(auth, wanted.email);
    const id = await createUser(sql, {
      email: wanted.email,
      passwordHash,
      confirmedAt: wanted.email_confirm === true ? new Date(auth.now()) : null,
      userMetadata: wanted.user_metadata ?? {},
      appMetadata: wanted.app_metadata ?? {},
    });
    return c.json(userJson(await requireUser(auth, id)));
  });

  app.get('/admin/users/:id', async (c) => c.json(userJson(await requireUser(auth, c.req.param('id')))));

  app.put('/admin/users/:id', async (c) => {
    const { id, email: present } = await requireUser(auth, c.req.param('id'));
    const wanted = await readBody(c, attributesSchema);
    const hash = wanted.password === undefined ? undefined : await hashPassword(sql, requirePassword(wanted.password));
    const moves = wanted.email !== undefined && wanted.email !== present;
    if (moves) await requireFree(auth, wanted.email);
    const at = new Date(auth.now());
    await sql.begin(async (tx) => {
      if (moves) await changeEmail(tx, id, wanted.email ?? '', at);
      if (wanted.email_confirm === true) await confirmEmail(tx, id, at);
      if (wanted.user_metadata || wanted.app_metadata) {
        await mergeMetadata(tx, id, { user: wanted.user_metadata, app: wanted.app_metadata });
      }
      if (hash !== undefined) {
        await tx`update auth.users set encrypted_password = ${hash}, updated_at = ${at} where id = ${id}`;
        await auth.sessions.closeAll(tx, id);
      }
    });
    return c.json(userJson(await requireUser(auth, id)));
  });

  app.delete('/admin/users/:id', async (c) => {
    const { id } = await requireUser(auth, c.req.param('id'));
    await readBody(c, deleteSchema);
    await sql`delete from auth.users where id = ${id}`;
    return c.json({});
  });
}

async function requireUser(auth: AuthContext, id: string): Promise<AuthUser> {
  const user = z.guid().safeParse(id).success ? await findById(auth.sql, id) : undefined;
  if (!user) throw new AuthProblem(404, 'user_not_found', 'User not found');
  return user;
}

async function requireFree(auth: AuthContext, email: string | undefined): Promise<void> {
  if (email === undefined || !(await findByEmail(auth.sql, email))) return;
  throw new AuthProblem(422, 'email_exists', 'A user with this email address has already been registered');
}
