/** What every request of the operator API begins with: its query, its path, its organisation, and the caller's right. */
import type { Context } from 'hono';
import type { z } from 'zod';
import { ApiError } from '../_shared/api-error.ts';
import { callerOf, type KeyCaller, type UserCaller } from '../_shared/authenticate.ts';
import type { Dependencies } from '../_shared/dependencies.ts';
import { faultLine, faultsOf } from '../_shared/faults.ts';
import { organisationOf } from '../_shared/organisation.ts';
import { readText } from '../_shared/read-body.ts';
import type { Sql } from './sql.ts';

/** What a caller may do in an organisation. */
export type Scope = 'sdk' | 'read' | 'control' | 'admin';

/** A request whose caller holds the scope in the organisation. Its transaction runs as the caller's role. */
export interface Granted {
  readonly sql: Sql;
  readonly org: string;
  readonly caller: UserCaller | KeyCaller;
}

/**
 * Runs work in a transaction as the caller, in the organisation that the request is about.
 *
 * @param scope `admin` needs `read` too; `null` where a function in the database decides itself
 * @throws ApiError 401 without credentials, 403 without the scope, 404 for another's organisation, 409 where the choice is open
 */
export async function inOrganisation<T>(
  c: Context,
  deps: Dependencies,
  scope: Scope | null,
  work: (granted: Granted) => Promise<T>,
): Promise<T> {
  const caller = await callerOf(c, deps);
  return deps.database.as(caller, async (sql) => {
    const org = await organisationOf(sql, c, caller);
    if (scope !== null) await requireScope(sql, org, scope);
    return work({ sql, org, caller });
  });
}

async function requireScope(sql: Sql, org: string, scope: Scope): Promise<void> {
  // Who changes something is shown it: a key of the scope admin alone would not find what it changes.
  const needed = scope === 'admin' ? ['admin', 'read'] : [scope];
  const [row] = await sql<{ missing: string | null }[]>`
    select min(n.scope) as missing from unnest(${needed}::text[]) n (scope)
    where ${org}::uuid not in (select private.orgs_with(n.scope))`;
  if (row?.missing === null) return;
  const missing = row?.missing ?? scope;
  throw new ApiError(
    403,
    'forbidden',
    `This needs the scope "${missing}" in the organisation. Use a key with that scope, or ask an admin.`,
    { scope: missing },
  );
}

/** Who acts, for the record: a user's e-mail. `null` for an API key, whose prefix the database knows. */
export function actorOf(caller: UserCaller | KeyCaller): string | null {
  if (caller.kind === 'key') return null;
  const { email } = caller.claims;
  return typeof email === 'string' && email !== '' ? email : caller.userId;
}

/**
 * Reads the query by a strict schema.
 *
 * @throws ApiError 422 `invalid` that names each unknown, repeated or wrong parameter
 */
export function readQuery<T>(c: Context, schema: z.ZodType<T>): T {
  const given = [...new URL(c.req.url).searchParams];
  const values = Object.fromEntries(given);
  const seen = new Set<string>();
  const repeated = given.find(([name]) => seen.size === seen.add(name).size)?.[0].slice(0, 50);
  if (repeated !== undefined) {
    throw new ApiError(422, 'invalid', `The query is not valid. ${repeated}: is given more than once.`, [
      { path: repeated, message: 'is given more than once' },
    ]);
  }
  return checked(values, schema, 'query');
}

/**
 * Reads a JSON body that may be left out; then it counts as `{}`.
 *
 * @throws ApiError as `readJson`
 */
export async function readOptionalJson<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const text = await readText(c.req.raw, 4_000);
  if (text.trim() === '') return checked({}, schema, 'body');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ApiError(400, 'malformed_json', 'The body is not JSON.');
  }
  return checked(value, schema, 'body');
}

function checked<T>(value: unknown, schema: z.ZodType<T>, what: 'query' | 'body'): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const details = faultsOf(result.error);
  const [first] = details;
  throw new ApiError(
    422,
    'invalid',
    `The ${what} is not valid. ${first === undefined ? '' : faultLine(first)}`,
    details,
  );
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The path's `:id`. What is no UUID can be nobody's id, so the answer is the same as for an id that is not there.
 *
 * @param what the thing's name, as in `run`
 */
export function idOf(c: Context, what: string): string {
  const id = c.req.param('id') ?? '';
  if (!UUID.test(id)) throw notFound(what);
  return id.toLowerCase();
}

/** The path's `:name` of an agent: 1 to 200 characters. */
export function agentNameOf(c: Context): string {
  const name = c.req.param('name') ?? '';
  if (name.length < 1 || name.length > 200 || name.includes('\0') || !name.isWellFormed()) throw notFound('agent');
  return name;
}

/** The answer for what is not there, and for what is another organisation's: nobody learns which of the two. */
export function notFound(what: string): ApiError {
  return new ApiError(404, `${what.replaceAll(' ', '_')}_not_found`, `There is no such ${what} in this organisation.`);
}
