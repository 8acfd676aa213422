/** The Supabase CLI and this package must read one another's history of migrations. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { assetFolder, sqlFiles } from '../src/postgres/assets.ts';
import { applyBaseline } from '../src/postgres/baseline.ts';
import { migrate } from '../src/postgres/migrate.ts';
import { createDatabase, createEmptyDatabase } from '../src/testing/index.ts';

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'kavach-cli-'));
  mkdirSync(join(project, 'supabase/migrations'), { recursive: true });
});
afterAll(() => rmSync(project, { recursive: true }));

async function supabase(...args: string[]): Promise<string> {
  const manifest = createRequire(import.meta.url).resolve('supabase/package.json');
  const child = spawn(process.execPath, [join(dirname(manifest), 'dist/supabase.js'), ...args, '--yes'], {
    cwd: project,
    env: { ...process.env, HOME: project, DO_NOT_TRACK: '1', SUPABASE_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return out + err;
}

const TRICKY = String.raw`-- A comment; with a semicolon.
create table a (id int primary key, t text default 'x;y''z;', "odd;name" int);

/* block; /* nested; */ still; */
create function f() returns int language plpgsql as $body$
begin
  -- it's; $$ here
  return 1;
end;
$body$;
create function g(n int) returns int
begin atomic
  select case when n > 1 then 2 else 3 end;
end;
do $$ begin perform 1; end $$;;
insert into a values (1, E'a\';b', 3);
select 1 as c; -- trailing; comment
create rule r as on insert to a do also (select 1; select 2);
create index on a (t);
-- the end
`;

it('finds the database of this package up to date', async () => {
  await using database = await createDatabase();
  cpSync(assetFolder('migrations'), join(project, 'supabase/migrations'), { recursive: true });
  expect(await supabase('db', 'push', '--dry-run', `--remote=${database.url}`)).toContain('is up to date');
});

it('pushes the migrations of this repository to an empty project', async () => {
  await using database = await createEmptyDatabase();
  const admin = postgres(database.adminUrl, { max: 1, onnotice: () => undefined });
  await applyBaseline(admin);
  await admin.end();
  expect(await supabase('db', 'push', '--dry-run', `--remote=${database.url}`)).toContain('schedule.sql');
  await supabase('db', 'push', `--remote=${database.url}`);
  const owner = postgres(database.url, { max: 1, onnotice: () => undefined });
  expect(await migrate(owner, sqlFiles(assetFolder('migrations')))).toHaveLength(0);
  const [row] = await owner`select count(*)::int as plans from kavach.plans`;
  await owner.end();
  expect(row).toEqual({ plans: 3 });
});

it('records the same as this package', async () => {
  const migrations = join(project, 'supabase/migrations');
  rmSync(migrations, { recursive: true });
  mkdirSync(migrations);
  writeFileSync(join(migrations, '20260101000000_tricky_one.sql'), TRICKY);
  const histories = [];
  for (const apply of [
    (_sql: postgres.Sql, url: string) => supabase('db', 'push', `--remote=${url}`),
    (sql: postgres.Sql) => migrate(sql, sqlFiles(migrations)),
  ]) {
    await using database = await createEmptyDatabase();
    const admin = postgres(database.adminUrl, { max: 1, onnotice: () => undefined });
    await applyBaseline(admin);
    await admin.end();
    const owner = postgres(database.url, { max: 1, onnotice: () => undefined });
    await apply(owner, database.url);
    histories.push(await owner`select * from supabase_migrations.schema_migrations`);
    await owner.end();
  }
  expect(histories[0]).toHaveLength(1);
  expect(histories[1]).toEqual(histories[0]);
});
