/**
 * Databases for tests: each a copy of one that is migrated, on the PostgreSQL of the test run. Works in the vitest projects
 * `backend` and `deno`, whose global setup starts the server.
 */
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { inject } from 'vitest';
import { grantOnDatabase } from '../postgres/baseline.ts';
import { SUPERUSER } from '../postgres/cluster-files.ts';
import { type ClusterAddress, TEMPLATE } from './cluster-address.ts';

/** A database of its own. */
export interface TestDatabase {
  /** As the login role of the functions, `postgres`: not a superuser. */
  readonly url: string;
  /** The same as `url`. */
  readonly postgresUrl: string;
  /** As the superuser. */
  readonly adminUrl: string;
  /** Ends what is connected to it, and drops it. */
  drop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A new database with the baseline and the migrations. Takes about 40 ms.
 *
 * @throws with the file and the statement where the migrations of this run failed
 * @example
 * const database = await createDatabase();
 * afterAll(() => database.drop());
 */
export async function createDatabase(): Promise<TestDatabase> {
  const cluster = inject('kavachCluster');
  if (cluster.failure !== null) throw new Error(cluster.failure);
  return copyOf(TEMPLATE, cluster);
}

/** A new database with nothing in it. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return copyOf('template0', inject('kavachCluster'));
}

async function copyOf(template: string, cluster: ClusterAddress): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const address = (user: string, password: string, database: string): string =>
    `postgres://${user}:${password}@127.0.0.1:${cluster.port}/${database}`;
  const adminUrl = address(SUPERUSER, cluster.adminPassword, name);
  const postgresUrl = address('postgres', cluster.postgresPassword, name);
  const server = address(SUPERUSER, cluster.adminPassword, 'postgres');
  await withConnection(server, async (sql) => {
    await sql`create database ${sql(name)} template ${sql(template)} strategy wal_log`;
    if (template === TEMPLATE) await grantOnDatabase(sql, name);
  });
  const drop = async (): Promise<void> =>
    withConnection(server, (sql) => sql`drop database if exists ${sql(name)} with (force)`);
  return { url: postgresUrl, postgresUrl, adminUrl, drop, [Symbol.asyncDispose]: drop };
}

async function withConnection(url: string, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}
