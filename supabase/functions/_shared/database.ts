/** The database as a caller sees it: every statement runs in a transaction with the caller's role and claims. */
import postgres from 'postgres';
import type { Caller } from './authenticate.ts';

/** What a request counts as: each has a count of its own against the plan's requests per minute. */
export type Bucket = 'api' | 'auth' | 'connect' | 'ingest' | 'leases';

/** Where handlers keep and find things. */
export interface Database {
  /**
   * Runs `work` in one transaction as the caller: with the role `authenticated` or `anon` and the caller's claims, so that row
   * level security and the functions' own checks decide. The request of a key or a person is counted before, and stays
   * counted when the work fails; one too many is refused with 429.
   *
   * The work's first statement is sent along before the answer for the caller is known (it runs only if that is
   * good). So let the work ask the database before it does anything outside of it.
   *
   * @param options `bucket`: what the request counts as; default `api`
   * @throws what the database raises: `problem()` knows how to answer it
   * @example await database.as(caller, (sql) => sql`select id, name from kavach.agents`)
   */
  as<T>(
    caller: Caller,
    work: (sql: postgres.TransactionSql) => Promise<T>,
    options?: { readonly bucket?: Bucket },
  ): Promise<T>;
  /** Closes all connections. */
  end(): Promise<void>;
}

/** How to connect. */
export interface DatabaseOptions {
  /** Connections at most; default 4: a function's instance serves few requests at once, and there are many instances. */
  readonly max?: number;
  /** Whether statements are prepared; default true, but false on port 6543, where the pooler forgets them. */
  readonly prepare?: boolean;
  /** Milliseconds that one statement may take; default 8,000. */
  readonly statementTimeoutMs?: number;
}

/** @param url `postgres://…` of a role that may switch to `authenticated` and `anon` */
export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  const { max = 4, prepare = !/:6543(?:[/?]|$)/.test(url), statementTimeoutMs = 8_000 } = options;
  const sql = postgres(url, {
    max,
    prepare,
    connect_timeout: 5,
    idle_timeout: 60,
    connection: { application_name: 'agentkavach' },
    onnotice: () => undefined,
  });
  return {
    as: async <T>(
      caller: Caller,
      work: (sql: postgres.TransactionSql) => Promise<T>,
      given?: { readonly bucket?: Bucket },
    ) => {
      const result = await sql.begin(async (transaction) => {
        const guarded = whileOpen(transaction);
        try {
          const entered = enter(transaction, caller, statementTimeoutMs, given?.bucket ?? 'api');
          // Both to their end: what the work still sends must find the failed transaction, not what follows it.
          const [entry, done] = await Promise.allSettled([entered, work(guarded.sql)]);
          if (entry.status === 'rejected') throw entry.reason;
          if (done.status === 'rejected') throw done.reason;
          return { value: done.value };
        } finally {
          guarded.close();
        }
      });
      return result.value;
    },
    end: () => sql.end({ timeout: 5 }),
  };
}

/**
 * The transaction's `sql` until it is closed. A statement that some forgotten promise sends later would run on the same
 * connection outside of the transaction, with the rights of the login role.
 */
function whileOpen(sql: postgres.TransactionSql): { readonly sql: postgres.TransactionSql; close(): void } {
  let open = true;
  const check = (): void => {
    if (!open) throw new Error('The transaction is over. Await every statement inside of it.');
  };
  const guarded = new Proxy(sql, {
    apply: (target, self, args) => {
      check();
      return Reflect.apply(target, self, args) as unknown;
    },
    get: (target, name) => {
      check();
      return Reflect.get(target, name) as unknown;
    },
  });
  return {
    sql: guarded,
    close: () => {
      open = false;
    },
  };
}

/** Sends what makes the transaction the caller's, without waiting between the statements. */
async function enter(sql: postgres.TransactionSql, caller: Caller, timeout: number, bucket: Bucket): Promise<void> {
  const admitted = admit(sql, caller, timeout, bucket);
  // The settings come first and alone: a time-out holds from the next statement on.
  const limits = sql`
    select
      set_config('search_path', '', true),
      set_config('statement_timeout', ${String(timeout)}, true),
      set_config('idle_in_transaction_session_timeout', ${String(timeout)}, true)
  `;
  await Promise.all([admitted?.execute(), limits.execute(), identify(sql, caller).execute()]);
}

/**
 * Counts the request in the transaction that has just begun, commits that, and begins the one for the work: as one message, so
 * that it takes no round trip of its own, and so that a refusal skips the commit and fails all that was sent behind it. The
 * chain leaves no moment outside of a transaction, in which what follows would run with the rights of the login role.
 */
function admit(
  sql: postgres.TransactionSql,
  caller: Caller,
  timeout: number,
  bucket: Bucket,
): postgres.PendingQuery<postgres.Row[]> | undefined {
  if (caller.kind === 'anon') return undefined;
  // Several statements at once can have no parameters.
  const call =
    caller.kind === 'key'
      ? `private.admit_key('\\x${hex(caller.hash)}', '${bucket}')`
      : `private.admit_user('${caller.userId.replaceAll("'", "''")}', '${bucket}')`;
  return sql.unsafe(`set local statement_timeout = ${timeout}; select ${call}; commit and chain`);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function identify(sql: postgres.TransactionSql, caller: Caller): postgres.PendingQuery<postgres.Row[]> {
  if (caller.kind === 'key') {
    // The function sets the key's claims; only the login role may call it, so the role comes after.
    return sql`select private.authenticate_key(${caller.hash}), set_config('role', 'authenticated', true)`;
  }
  const role = caller.kind === 'user' ? 'authenticated' : 'anon';
  const claims = JSON.stringify(caller.kind === 'user' ? { ...caller.claims, role } : { role });
  return sql`select set_config('request.jwt.claims', ${claims}, true), set_config('role', ${role}, true)`;
}
