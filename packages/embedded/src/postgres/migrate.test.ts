import postgres from 'postgres';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createEmptyDatabase, type TestDatabase } from '../testing/index.ts';
import type { SqlFile } from './assets.ts';
import { applyBaseline } from './baseline.ts';
import { MigrationError } from './errors.ts';
import { migrate } from './migrate.ts';

const first: SqlFile = { name: '20260101000000_first.sql', sql: 'create table a (id int);\n-- the end' };
const second: SqlFile = {
  name: '20260102000000_a_second.sql',
  sql: 'insert into a values (1);\ninsert into a values (2);',
};

let database: TestDatabase;
let owner: postgres.Sql;
beforeEach(async () => {
  database = await createEmptyDatabase();
  const admin = postgres(database.adminUrl, { max: 1, onnotice: () => undefined });
  await applyBaseline(admin);
  await admin.end();
  owner = postgres(database.url, { max: 1, onnotice: () => undefined });
});
afterEach(async () => {
  await owner.end();
  await database.drop();
});

const history = () => owner`select * from supabase_migrations.schema_migrations order by version`;

it('applies what is new, in order, and records its statements', async () => {
  expect(await migrate(owner, [second, first])).toEqual([first.name, second.name]);
  expect(await migrate(owner, [first, second])).toEqual([]);
  expect(await owner`select id from a order by id`).toEqual([{ id: 1 }, { id: 2 }]);
  expect(await history()).toEqual([
    { version: '20260101000000', statements: ['create table a (id int)', '-- the end'], name: 'first' },
    {
      version: '20260102000000',
      statements: ['insert into a values (1)', 'insert into a values (2)'],
      name: 'a_second',
    },
  ]);
  expect(await owner`select tableowner from pg_tables where tablename = 'a'`).toEqual([{ tableowner: 'postgres' }]);
});

it('rolls a failing file back, keeps those before it, and names the statement', async () => {
  const broken = { name: '20260103000000_broken.sql', sql: 'insert into a values (3);\ninsert into a\n  values (b);' };
  const failure = await migrate(owner, [first, broken]).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(MigrationError);
  expect(failure).toMatchObject({ file: broken.name, statement: 2 });
  expect((failure as Error).message).toBe(
    [
      'The migration 20260103000000_broken.sql failed at statement 2 and was rolled back: column "b" does not exist',
      '  insert into a',
      '>   values (b)',
    ].join('\n'),
  );
  expect(await owner`select from a`).toHaveLength(0);
  expect((await history()).map(({ version }) => String(version))).toEqual(['20260101000000']);
});

it('shows a long statement around the place of the error', async () => {
  const columns = Array.from({ length: 60 }, (_, i) => (i === 40 ? '  c40 no_such_type' : `  c${i} int`));
  const failure = migrate(owner, [{ name: '1_long.sql', sql: `create table wide (\n${columns.join(',\n')}\n)` }]);
  await expect(failure).rejects.toThrow(/^ {2}…\n[^]*^>   c40 no_such_type,$[^]*^ {2}…$/m);
});

it('does not carry settings of one migration into the next', async () => {
  const files = [
    { name: '1_a.sql', sql: `select set_config('search_path', 'pg_catalog', false)` },
    { name: '2_b.sql', sql: 'create table b ()' },
  ];
  await migrate(owner, files);
  expect(await owner`select schemaname from pg_tables where tablename = 'b'`).toEqual([{ schemaname: 'public' }]);
});

it('refuses files that the Supabase CLI would pass over or mix up', async () => {
  await expect(migrate(owner, [{ name: 'first.sql', sql: 'select 1' }])).rejects.toThrow('must be called');
  const twin = { name: '20260101000000_other.sql', sql: 'select 1' };
  await expect(migrate(owner, [first, twin])).rejects.toThrow('have the same version');
});
