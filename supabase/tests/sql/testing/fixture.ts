/** A migrated database with two organisations, and the callers that can ask it something. */
import { randomUUID } from 'node:crypto';
import { createDatabase } from '@agentkavach/embedded/testing';
import postgres from 'postgres';

/** What a caller's token says. */
export type Claims = Readonly<Record<string, unknown>>;

/** An error of PostgreSQL, with what our functions put into it. */
export interface Refusal {
  readonly sqlstate: string;
  readonly code: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface Fixture extends AsyncDisposable {
  /** The superuser: reads and prepares what no caller may. */
  readonly admin: postgres.Sql;
  /** The login role of the functions. */
  readonly pool: postgres.Sql;
  readonly org: string;
  readonly otherOrg: string;
  /** Runs a transaction as a caller: role `authenticated` and its claims; `null`: role `anon`. */
  as<T>(claims: Claims | null, work: (sql: postgres.TransactionSql) => Promise<T>): Promise<T>;
  /** The first column of the first row, as a caller. */
  call<T>(
    claims: Claims | null,
    query: (sql: postgres.TransactionSql) => postgres.PendingQuery<postgres.Row[]>,
  ): Promise<T>;
  /** A user of an organisation. @returns the claims of the user's token */
  member(org: string, role: 'owner' | 'admin' | 'member'): Promise<Claims>;
}

/** The claims that `private.authenticate_key` sets for a key. */
export function keyOf(org: string, scopes: readonly string[] = ['sdk']): Claims {
  return { role: 'authenticated', kavach_org: org, kavach_key: randomUUID(), kavach_scopes: scopes };
}

/** The claims of a token that only listens. */
export function listenerOf(org: string): Claims {
  return { role: 'authenticated', kavach_org: org, kavach_topics: ['control'] };
}

/** Starts one; dispose of it after the tests. Organisations are on the plan without limits. */
export async function startFixture(): Promise<Fixture> {
  const database = await createDatabase();
  const options = { onnotice: () => undefined, types: { bigint: postgres.BigInt } } as const;
  const admin = postgres(database.adminUrl, { ...options, max: 4 });
  const pool = postgres(database.url, { ...options, max: 32 });
  const newOrg = (name: string): Promise<string> =>
    cell(admin`insert into kavach.organizations (name, plan_id) values (${name}, 'max') returning id`);
  const as: Fixture['as'] = async (claims, work) => {
    const result = await pool.begin(async (sql) => {
      await sql`
        select set_config('request.jwt.claims', ${claims === null ? '{"role":"anon"}' : JSON.stringify(claims)}, true),
          set_config('role', ${claims === null ? 'anon' : 'authenticated'}, true)`;
      return { value: await work(sql) };
    });
    return result.value;
  };
  return {
    admin,
    pool,
    org: await newOrg('Acme'),
    otherOrg: await newOrg('Rival'),
    as,
    call: (claims, query) => as(claims, (sql) => cell(query(sql))),
    async member(org, role) {
      const id = randomUUID();
      const email = `${id}@example.com`;
      await admin`insert into auth.users (id, email) values (${id}, ${email})`;
      await admin`insert into kavach.members (org_id, user_id, role) values (${org}, ${id}, ${role})`;
      return { role: 'authenticated', sub: id, email };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([admin.end(), pool.end()]);
      await database.drop();
    },
  };
}

/** The first column of a query's first row. */
export async function cell<T>(query: PromiseLike<readonly postgres.Row[]>): Promise<T> {
  const [row] = await query;
  return Object.values(row ?? {})[0] as T;
}

/** What a call was refused with. Fails where it was not. */
export async function refusal(work: Promise<unknown>): Promise<Refusal> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof postgres.PostgresError)) throw new Error('nothing was refused', { cause: error });
  return {
    sqlstate: error.code,
    code: error.message,
    detail: error.code.startsWith('KA') ? JSON.parse(error.detail ?? '{}') : {},
  };
}
