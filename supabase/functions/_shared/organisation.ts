/** Which organisation a request is about. */
import type { Context } from 'hono';
import type { TransactionSql } from 'postgres';
import { ApiError } from './api-error.ts';
import type { Caller } from './authenticate.ts';

/** Names one of several organisations. */
const HEADER = 'x-kavach-org';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The organisation that the header names; without one the key's, or a user's only one.
 *
 * @param sql of `Database.as`, for the same caller
 * @throws ApiError 401 `credentials_required`; 404 `organization_not_found` for a header that names none of the caller's;
 * 409 `organization_required` where a user has several or none
 */
export async function organisationOf(sql: TransactionSql, c: Context, caller: Caller): Promise<string> {
  if (caller.kind === 'anon') throw new ApiError(401, 'credentials_required', 'Sign in, or send an API key.');
  const ids = caller.kind === 'key' ? await ofKey(sql) : await ofUser(sql);
  const asked = c.req.header(HEADER);
  if (asked !== undefined) {
    const id = UUID.test(asked) ? asked.toLowerCase() : undefined;
    if (id !== undefined && ids.includes(id)) return id;
    throw new ApiError(404, 'organization_not_found', `The header ${HEADER} names no organisation of yours.`);
  }
  const [only, ...others] = ids;
  if (only !== undefined && others.length === 0) return only;
  const message =
    only === undefined
      ? 'You belong to no organisation yet. Create one first.'
      : `You belong to ${ids.length} organisations: name one in the header ${HEADER}.`;
  throw new ApiError(409, 'organization_required', message);
}

async function ofKey(sql: TransactionSql): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select current_setting('request.jwt.claims')::jsonb ->> 'kavach_org' as id`;
  return rows.map(({ id }) => id);
}

async function ofUser(sql: TransactionSql): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select private.orgs_with('read')::text as id`;
  return rows.map(({ id }) => id);
}
