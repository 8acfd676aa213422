/** Passwords by pgcrypto's bcrypt, so that `auth.users` can be moved to the platform as it is. */
import { type Queries } from './users.ts';

/** GoTrue's. */
const COST = 10;

/** A valid hash of the same cost that is nobody's: an unknown address takes as long as a wrong password. */
const NOBODY = '$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy';

/** @returns a bcrypt hash */
export async function hashPassword(sql: Queries, password: string): Promise<string> {
  const [row] = await sql<{ hash: string }[]>`
    select extensions.crypt(${password}, extensions.gen_salt('bf', ${COST})) as hash`;
  if (!row) throw new Error('PostgreSQL hashed no password');
  return row.hash;
}

/** @returns the id of the user with this address and password; takes as long where there is none */
export async function findByPassword(sql: Queries, email: string, password: string): Promise<string | undefined> {
  const [row] = await sql<{ id: string | null; matches: boolean | null }[]>`
    select
      users.id,
      users.encrypted_password =
        extensions.crypt(${password}, coalesce(nullif(users.encrypted_password, ''), ${NOBODY})) as matches
    from (select ${email}::text as email) as asked
    left join auth.users as users
      on lower(users.email) = asked.email and not users.is_sso_user and users.deleted_at is null`;
  return row?.matches === true ? (row.id ?? undefined) : undefined;
}

/** Whether this is the user's password already. */
export async function isPasswordOf(sql: Queries, userId: string, password: string): Promise<boolean> {
  const [row] = await sql<{ matches: boolean }[]>`
    select encrypted_password = extensions.crypt(${password}, encrypted_password) as matches
    from auth.users where id = ${userId} and encrypted_password <> ''`;
  return row?.matches ?? false;
}
