/** Makes a database of plain PostgreSQL look like a Supabase project, so that the migrations run on both unchanged. */
import { createHash } from 'node:crypto';
import type postgres from 'postgres';
import { assetFolder, sqlFiles } from './assets.ts';

/**
 * Brings a database up to the baseline of this package. All or nothing; nothing to do where it is there already.
 *
 * @param sql the superuser's connection to the database
 * @param ownerPassword for the role `postgres`; default: it keeps what it has, which is none at first
 */
export async function applyBaseline(sql: postgres.Sql, ownerPassword?: string): Promise<void> {
  const files = sqlFiles(assetFolder('baseline'));
  const hash = createHash('sha256')
    .update(files.map(({ sql: text }) => text).join('\0'))
    .digest('hex');
  if (await isApplied(sql, hash)) return;
  const [database] = await sql<{ name: string }[]>`select current_database() as name`;
  await sql.begin(async (transaction) => {
    for (const { sql: text } of files) await transaction.unsafe(text).simple();
    await grantOnDatabase(transaction, database?.name ?? '');
    if (ownerPassword !== undefined) await setPassword(transaction, ownerPassword);
    await transaction`insert into kavach_embedded.baseline (hash) values (${hash}) on conflict (hash) do nothing`;
  });
}

/** What belongs to a database itself: a copy made from a template does not get it. From any database of the server. */
export async function grantOnDatabase(sql: Pick<postgres.Sql, 'unsafe'>, name: string): Promise<void> {
  if (!/^\w+$/.test(name)) throw new Error(`A database's name must consist of letters, digits and _: ${name}`);
  await sql.unsafe(`
    grant create, connect, temporary on database ${name} to postgres, dashboard_user;
    alter database ${name} set search_path = "$user", public, extensions;
  `);
}

async function setPassword(sql: postgres.TransactionSql, password: string): Promise<void> {
  // The statement takes no parameters; our passwords are base64url.
  if (!/^[\w-]+$/.test(password)) throw new Error('A database password must consist of letters, digits, - and _.');
  await sql.unsafe(`alter role postgres with password '${password}'`);
}

async function isApplied(sql: postgres.Sql, hash: string): Promise<boolean> {
  const [table] = await sql`select to_regclass('kavach_embedded.baseline') is not null as found`;
  if (table?.['found'] !== true) return false;
  const rows = await sql`select from kavach_embedded.baseline where hash = ${hash}`;
  return rows.length > 0;
}
