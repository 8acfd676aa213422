/** Reads a request's JSON and checks it. What a client may send is written here once for all routes. */
import { type Context } from 'hono';
import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { AuthProblem, invalid } from './problem.ts';

const { minBytes, maxBytes } = LIMITS.password;
const bytes = (text: string) => Buffer.byteLength(text);

/** An address, lower-cased as GoTrue stores it. */
export const emailSchema = z
  .string({ error: 'An email address is required' })
  .max(255, 'Unable to validate email address: longer than 255 characters')
  .toLowerCase()
  .pipe(z.email('Unable to validate email address: invalid format'));

/** A user's metadata. */
export const metadataSchema = z
  .record(z.string(), z.json(), { error: 'The metadata must be a JSON object' })
  .refine(
    (data) => bytes(JSON.stringify(data)) <= LIMITS.metadataBytes,
    `The metadata may have ${LIMITS.metadataBytes} bytes of JSON`,
  );

/**
 * Checks a password to be. Counted in bytes, because bcrypt does.
 *
 * @throws AuthProblem 422 `weak_password` where it is too short, `validation_failed` where it is too long or not text
 */
export function requirePassword(password: string): string {
  if (!password.isWellFormed() || password.includes('\0'))
    throw invalid('The password holds characters that are not text');
  if (bytes(password) < minBytes) {
    throw new AuthProblem(422, 'weak_password', `Password should be at least ${minBytes} bytes long`, {
      reasons: ['length'],
    });
  }
  if (bytes(password) > maxBytes) throw invalid(`Password cannot be longer than ${maxBytes} bytes`);
  return password;
}

/**
 * @returns the body as the schema has it; `{}` where there is none
 * @throws AuthProblem 400 `bad_json`, 415 where it is not declared as JSON, 422 `validation_failed`
 */
export async function readBody<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const text = await c.req.text();
  let body: unknown = {};
  if (text !== '') {
    // A form on a foreign page can post text without asking, but not JSON.
    if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) {
      throw new AuthProblem(415, 'bad_json', 'The body must have the content type application/json');
    }
    try {
      body = JSON.parse(text);
    } catch {
      throw new AuthProblem(400, 'bad_json', 'Could not parse request body as JSON');
    }
  }
  const checked = schema.safeParse(body);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const path = issue?.path.join('.') ?? '';
  throw invalid(`${path === '' ? '' : `${path}: `}${issue?.message ?? 'Invalid request'}`);
}
