/** The secrets of one install: made at its first start, kept in its data folder for its owner only. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeKey } from '@agentkavach/functions/_shared/keys';
import { SignJWT } from 'jose';
import { z } from 'zod';

const schema = z.object({
  jwtSecret: z.string().min(32),
  adminPassword: z.string().min(16),
  postgresPassword: z.string().min(16),
  anonKey: z.string(),
  serviceKey: z.string(),
  keys: z.object({ sdk: z.string(), operator: z.string() }),
});

/** What secrets.json holds. */
export type Secrets = z.infer<typeof schema>;

/**
 * Reads the folder's secrets, or makes them. The caller owns the folder.
 *
 * @throws where the file is there and cannot be read: without it the database does not open
 */
export async function secretsIn(folder: string): Promise<Secrets> {
  const file = join(folder, 'secrets.json');
  if (existsSync(file)) return read(file);
  if (existsSync(join(folder, 'postgres'))) {
    throw new Error(
      `${file} is missing, and with it the password of the database beside it. Restore it, or use another folder.`,
    );
  }
  const jwtSecret = randomBytes(32).toString('hex');
  const secrets: Secrets = {
    jwtSecret,
    adminPassword: randomBytes(24).toString('base64url'),
    postgresPassword: randomBytes(24).toString('base64url'),
    anonKey: await projectKey('anon', jwtSecret),
    serviceKey: await projectKey('service_role', jwtSecret),
    keys: { sdk: makeKey('dev'), operator: makeKey('dev') },
  };
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
  return secrets;
}

/** The folder's secrets; `undefined` where there are none that this user can read. */
export function readSecrets(folder: string): Secrets | undefined {
  try {
    return read(join(folder, 'secrets.json'));
  } catch {
    return undefined;
  }
}

function read(file: string): Secrets {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file} cannot be read as JSON. Restore it, or use another data folder.`, { cause: error });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const fields = result.error.issues.map(({ path }) => path.join('.')).join(', ');
  throw new Error(`${file} lacks ${fields}. Restore it, or use another data folder.`);
}

/** A Supabase project's API key: a token that says nothing but its role. */
async function projectKey(role: string, secret: string): Promise<string> {
  return new SignJWT({ role })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer('supabase')
    .setIssuedAt()
    .setExpirationTime('10y')
    .sign(new TextEncoder().encode(secret));
}
