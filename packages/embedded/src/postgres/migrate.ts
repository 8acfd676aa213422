/**
 * Applies the project's migrations as the role `postgres`, and records them as the Supabase CLI does: its `db push` and
 * `migration list` then see the same history as this package.
 */
import type postgres from 'postgres';
import type { SqlFile } from './assets.ts';
import { MigrationError } from './errors.ts';
import { splitStatements } from './split-statements.ts';

/** A migration's file, read. */
interface Migration {
  readonly file: string;
  readonly version: string;
  readonly name: string;
  readonly statements: readonly string[];
}

/**
 * Applies what is not recorded yet, each file in a transaction of its own.
 *
 * @param sql a connection of the role `postgres`
 * @returns the names of the files that were applied now
 * @throws MigrationError, which names the file and the statement
 */
export async function migrate(sql: postgres.Sql, files: readonly SqlFile[]): Promise<string[]> {
  const migrations = files.map(read).sort((a, b) => (a.version < b.version ? -1 : 1));
  refuseTwins(migrations);
  await createHistory(sql);
  const rows = await sql<{ version: string }[]>`select version from supabase_migrations.schema_migrations`;
  const applied = new Set(rows.map(({ version }) => version));
  const pending = migrations.filter(({ version }) => !applied.has(version));
  for (const migration of pending) await apply(sql, migration);
  return pending.map(({ file }) => file);
}

function read({ name: file, sql }: SqlFile): Migration {
  const [, version, name] = /^(\d+)_(.*)\.sql$/.exec(file) ?? [];
  if (version === undefined || name === undefined) {
    throw new MigrationError(file, 0, `The migration ${file} must be called <digits>_<name>.sql.`);
  }
  return { file, version, name, statements: splitStatements(sql) };
}

function refuseTwins(migrations: readonly Migration[]): void {
  for (const [i, { file, version }] of migrations.entries()) {
    const other = migrations[i + 1];
    if (other?.version === version) {
      throw new MigrationError(other.file, 0, `The migrations ${file} and ${other.file} have the same version.`);
    }
  }
}

/** The table as the CLI makes it: the columns came one after the other. */
async function createHistory(sql: postgres.Sql): Promise<void> {
  const [table] = await sql`select to_regclass('supabase_migrations.schema_migrations') is not null as found`;
  if (table?.['found'] === true) return;
  await sql.begin(async (transaction) => {
    await transaction`create schema if not exists supabase_migrations`;
    await transaction`create table supabase_migrations.schema_migrations (
      version text not null primary key, statements text[], name text
    )`;
  });
}

async function apply(sql: postgres.Sql, { file, version, name, statements }: Migration): Promise<void> {
  let at = 0;
  await sql
    .begin(async (transaction) => {
      // What an earlier migration set on this connection must not leak into the next.
      await transaction`reset all`;
      for (const [i, statement] of statements.entries()) {
        at = i;
        await transaction.unsafe(statement).simple();
      }
      at = statements.length;
      await transaction`
        insert into supabase_migrations.schema_migrations (version, name, statements)
        values (${version}, ${name}, ${[...statements]})
      `;
    })
    .catch((error: unknown) => {
      throw new MigrationError(file, at + 1, explain(file, at, statements[at], error), { cause: error });
    });
}

function explain(file: string, at: number, statement: string | undefined, error: unknown): string {
  const { message, detail, hint, position } = error as {
    message: string;
    detail?: string;
    hint?: string;
    position?: string;
  };
  const rest = [detail, hint].filter((text) => text !== undefined && text !== '');
  return [
    `The migration ${file} failed at statement ${at + 1} and was rolled back: ${message}`,
    ...rest,
    excerpt(statement ?? 'the entry in supabase_migrations.schema_migrations', Number(position ?? 0)),
  ].join('\n');
}

/** The statement; a long one around the place of the error. */
function excerpt(statement: string, position: number): string {
  const lines = statement.split('\n');
  const line = position > 0 ? statement.slice(0, position - 1).split('\n').length - 1 : 0;
  const first = Math.max(0, line - 8);
  const shown = lines
    .slice(first, first + 16)
    .map((text, i) => `${first + i === line && position > 0 ? '>' : ' '} ${text}`);
  return [...(first > 0 ? ['  …'] : []), ...shown, ...(first + 16 < lines.length ? ['  …'] : [])].join('\n');
}
