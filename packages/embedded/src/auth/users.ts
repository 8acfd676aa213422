/** Users and their e-mail identities in `auth.users` and `auth.identities`, and the JSON that clients see of them. */
import type postgres from 'postgres';

/** A pool or a transaction. */
export type Queries = postgres.ISql;

export type Metadata = Readonly<Record<string, postgres.JSONValue | undefined>>;

export interface AuthUser {
  readonly id: string;
  readonly role: string;
  readonly email: string | null;
  readonly newEmail: string | null;
  readonly confirmedAt: Date | null;
  readonly confirmationSentAt: Date | null;
  readonly recoverySentAt: Date | null;
  readonly emailChangeSentAt: Date | null;
  readonly lastSignInAt: Date | null;
  readonly bannedUntil: Date | null;
  readonly appMetadata: Metadata;
  readonly userMetadata: Metadata;
  readonly identities: readonly Metadata[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The columns of `AuthUser`, from `auth.users as users`. */
export const userColumns = (sql: Queries): postgres.Fragment => sql`
  users.id, coalesce(users.role, 'authenticated') as role, users.email, nullif(users.email_change, '') as "newEmail",
  users.email_confirmed_at as "confirmedAt", users.confirmation_sent_at as "confirmationSentAt",
  users.recovery_sent_at as "recoverySentAt", users.email_change_sent_at as "emailChangeSentAt",
  users.last_sign_in_at as "lastSignInAt", users.banned_until as "bannedUntil",
  coalesce(users.raw_app_meta_data, '{}') as "appMetadata",
  coalesce(users.raw_user_meta_data, '{}') as "userMetadata",
  (
    select coalesce(jsonb_agg(jsonb_build_object(
      'identity_id', i.id, 'id', i.provider_id, 'user_id', i.user_id, 'identity_data', i.identity_data,
      'provider', i.provider, 'last_sign_in_at', i.last_sign_in_at, 'created_at', i.created_at,
      'updated_at', i.updated_at, 'email', i.email
    ) order by i.created_at), '[]')
    from auth.identities as i where i.user_id = users.id
  ) as identities,
  users.created_at as "createdAt", users.updated_at as "updatedAt"`;

/** @param email lower-cased */
export async function findByEmail(sql: Queries, email: string): Promise<AuthUser | undefined> {
  const [user] = await sql<AuthUser[]>`
    select ${userColumns(sql)} from auth.users as users
    where lower(users.email) = ${email} and not users.is_sso_user and users.deleted_at is null`;
  return user;
}

export async function findById(sql: Queries, id: string): Promise<AuthUser | undefined> {
  const [user] = await sql<AuthUser[]>`
    select ${userColumns(sql)} from auth.users as users where users.id = ${id} and users.deleted_at is null`;
  return user;
}

export interface NewUser {
  readonly email: string;
  /** A bcrypt hash; `''` where the user signs in by code. */
  readonly passwordHash: string;
  /** When the address was proved. */
  readonly confirmedAt: Date | null;
  readonly userMetadata: Metadata;
  readonly appMetadata?: Metadata;
}

/**
 * @returns the new user's id
 * @throws PostgresError 23505 where the address has one
 */
export async function createUser(sql: Queries, user: NewUser): Promise<string> {
  const appMetadata = { ...user.appMetadata, provider: 'email', providers: ['email'] };
  const [created] = await sql<{ id: string }[]>`
    with created as (
      insert into auth.users
        (email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data)
      values (
        ${user.email}, ${user.passwordHash}, ${user.confirmedAt},
        ${sql.json(appMetadata)}, ${sql.json(user.userMetadata)}
      )
      returning id
    )
    insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at)
    select
      id::text, id,
      ${sql.json(user.userMetadata)}::jsonb || jsonb_build_object(
        'sub', id, 'email', ${user.email}::text, 'email_verified', ${user.confirmedAt !== null}::boolean,
        'phone_verified', false
      ),
      'email', now()
    from created
    returning user_id as id`;
  if (!created) throw new Error('PostgreSQL created no user');
  return created.id;
}

/** The address is proved: by its code, its link, or an administrator's word. */
export async function confirmEmail(sql: Queries, userId: string, at: Date): Promise<void> {
  await sql`
    update auth.users set email_confirmed_at = coalesce(email_confirmed_at, ${at}), updated_at = ${at}
    where id = ${userId}`;
  await sql`
    update auth.identities set identity_data = identity_data || '{"email_verified": true}', updated_at = ${at}
    where user_id = ${userId} and provider = 'email'`;
}

/** @throws PostgresError 23505 where somebody has it by now */
export async function changeEmail(sql: Queries, userId: string, email: string, at: Date): Promise<void> {
  await sql`
    update auth.users set
      email = ${email}, email_change = '', email_confirmed_at = coalesce(email_confirmed_at, ${at}), updated_at = ${at}
    where id = ${userId}`;
  await sql`
    update auth.identities set
      identity_data = identity_data || jsonb_build_object('email', ${email}::text, 'email_verified', true),
      updated_at = ${at}
    where user_id = ${userId} and provider = 'email'`;
}

/** Adds keys to a user's metadata; `null` takes one out. */
export async function mergeMetadata(
  sql: Queries,
  userId: string,
  change: { readonly user?: Metadata | undefined; readonly app?: Metadata | undefined },
): Promise<void> {
  const merged = (column: 'raw_user_meta_data' | 'raw_app_meta_data', data: Metadata) => sql`
    (coalesce(${sql(column)}, '{}') || ${sql.json(data)}::jsonb) - ${gone(data)}::text[]`;
  const gone = (data: Metadata) => Object.keys(data).filter((key) => data[key] === null);
  await sql`
    update auth.users set
      raw_user_meta_data = ${merged('raw_user_meta_data', change.user ?? {})},
      raw_app_meta_data = ${merged('raw_app_meta_data', change.app ?? {})},
      updated_at = now()
    where id = ${userId}`;
}

/** A user as GoTrue shows it. */
export function userJson(user: AuthUser): Record<string, unknown> {
  return {
    id: user.id,
    aud: 'authenticated',
    role: user.role,
    email: user.email ?? '',
    phone: '',
    ...(user.confirmedAt && { email_confirmed_at: user.confirmedAt, confirmed_at: user.confirmedAt }),
    ...(user.confirmationSentAt && { confirmation_sent_at: user.confirmationSentAt }),
    ...(user.recoverySentAt && { recovery_sent_at: user.recoverySentAt }),
    ...(user.newEmail !== null && { new_email: user.newEmail }),
    ...(user.emailChangeSentAt && { email_change_sent_at: user.emailChangeSentAt }),
    ...(user.lastSignInAt && { last_sign_in_at: user.lastSignInAt }),
    ...(user.bannedUntil && { banned_until: user.bannedUntil }),
    app_metadata: user.appMetadata,
    user_metadata: user.userMetadata,
    identities: user.identities,
    created_at: user.createdAt,
    updated_at: user.updatedAt,
    is_anonymous: false,
  };
}
