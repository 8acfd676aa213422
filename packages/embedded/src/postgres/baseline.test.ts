import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEmptyDatabase, type TestDatabase } from '../testing/index.ts';
import { applyBaseline } from './baseline.ts';

let database: TestDatabase;
let admin: postgres.Sql;
let owner: postgres.Sql;

beforeAll(async () => {
  database = await createEmptyDatabase();
  admin = postgres(database.adminUrl, { max: 1, onnotice: () => undefined });
  owner = postgres(database.url, { max: 1, onnotice: () => undefined });
  await applyBaseline(admin);
});

afterAll(async () => {
  await Promise.all([admin.end(), owner.end()]);
  await database.drop();
});

/** As a request would ask: a transaction with a role and its claims. */
async function as<T>(
  role: string,
  work: (sql: postgres.TransactionSql) => Promise<T>,
  claims: object = {},
): Promise<T> {
  const { value } = await owner.begin(async (sql) => {
    await sql`select set_config('role', ${role}, true), set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`;
    return { value: await work(sql) };
  });
  return value;
}

describe('the roles', () => {
  it('leave the login role without superuser rights, and give it those of the platform', async () => {
    const rows = await owner`select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user`;
    expect(rows).toEqual([{ rolsuper: false, rolbypassrls: true, rolcreaterole: true }]);
    await expect(owner`alter role postgres superuser`).rejects.toThrow('permission denied');
    await expect(owner`alter table realtime.messages disable row level security`).rejects.toThrow('must be owner');
    await expect(owner`drop table realtime.messages`).rejects.toThrow('must be owner');
    await expect(owner`create table auth.more ()`).rejects.toThrow('permission denied');
  });

  it('let anon and authenticated into no table of users, secrets or history', async () => {
    for (const role of ['anon', 'authenticated']) {
      for (const table of [
        'auth.users',
        'auth.sessions',
        'auth.refresh_tokens',
        'vault.secrets',
        'vault.decrypted_secrets',
      ]) {
        await expect(as(role, (sql) => sql`select from ${sql(table)}`)).rejects.toThrow('permission denied');
      }
      await expect(as(role, (sql) => sql`select vault.create_secret('x')`)).rejects.toThrow('permission denied');
      await expect(as(role, (sql) => sql`select from kavach_embedded.baseline`)).rejects.toThrow('permission denied');
      await expect(as(role, (sql) => sql`create table public.mine ()`)).rejects.toThrow('permission denied');
    }
  });
});

describe('the claims', () => {
  it('are what auth.uid(), auth.role(), auth.email() and auth.jwt() read', async () => {
    const claims = { sub: '6f1c1f0e-52fa-4f2e-8a5c-0d9f5a6f5f11', role: 'authenticated', email: 'a@example.com', n: 1 };
    const rows = await as(
      'authenticated',
      (sql) => sql`select auth.uid() as uid, auth.role() as role, auth.email() as email, auth.jwt() -> 'n' as n`,
      claims,
    );
    expect(rows).toEqual([{ uid: claims.sub, role: 'authenticated', email: 'a@example.com', n: 1 }]);
    expect(await as('anon', (sql) => sql`select auth.uid() as uid`)).toEqual([{ uid: null }]);
  });
});

describe('realtime', () => {
  let heard: string[];
  let next: PromiseWithResolvers<void>;
  beforeAll(async () => {
    await admin.listen('kavach_realtime', (text) => {
      heard.push(text);
      next.resolve();
    });
  });
  beforeEach(() => {
    heard = [];
    next = Promise.withResolvers();
  });

  it('notifies of what realtime.send() stored, with an id in the payload', async () => {
    await owner`select realtime.send(${owner.json({ a: 1 })}, 'kill', 'org:1:control')`;
    await next.promise;
    const [row] =
      await admin`select id, topic, extension, private, payload from realtime.messages where event = 'kill'`;
    expect(row).toMatchObject({ topic: 'org:1:control', extension: 'broadcast', private: true });
    expect(row!['payload']).toEqual({ a: 1, id: row!['id'] });
    expect(JSON.parse(heard[0]!)).toEqual({
      id: row!['id'],
      t: 'org:1:control',
      e: 'kill',
      p: true,
      d: row!['payload'],
    });
  });

  it('announces a payload that no notification can carry by its id', async () => {
    await owner`select realtime.send(${owner.json({ id: 'x', text: 'é'.repeat(5_000) })}, 'big', 'topic', false)`;
    await next.promise;
    const [row] = await admin`select id from realtime.messages where event = 'big'`;
    expect(JSON.parse(heard[0]!)).toEqual({ id: row!['id'], t: 'topic', e: 'big', p: false, big: true });
  });

  it('sends a changed row from a trigger, and refuses an unknown operation', async () => {
    await owner.unsafe(`
      create table public.things (id int);
      create function public.tell() returns trigger language plpgsql as $$
      begin
        perform realtime.broadcast_changes('things', tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
        return null;
      end $$;
      create trigger tell after insert or update or delete on public.things for each row execute function public.tell();
      insert into public.things values (7);
    `);
    await next.promise;
    expect(JSON.parse(heard[0]!)).toMatchObject({
      t: 'things',
      e: 'INSERT',
      d: { operation: 'INSERT', schema: 'public', table: 'things', record: { id: 7 }, old_record: null },
    });
    const wrong = owner`select realtime.broadcast_changes('t', 'e', 'TRUNCATE', 'things', 'public', row(1), row(1))`;
    await expect(wrong).rejects.toThrow('Unexpected operation type: TRUNCATE');
  });

  it('turns an error in realtime.send() into a warning, as the platform does', async () => {
    await expect(as('anon', (sql) => sql`select realtime.send('{}', 'e', 'kept-out')`)).resolves.toHaveLength(1);
    expect(await admin`select from realtime.messages where topic = 'kept-out'`).toHaveLength(0);
  });

  it('shows messages to those whom a policy lets see them', async () => {
    await owner`create policy "anyone may read topic open" on realtime.messages for select to authenticated
      using (realtime.topic() = 'open')`;
    await owner`select realtime.send('{}', 'e', 'open')`;
    const seen = (topic: string) =>
      as('authenticated', async (sql) => {
        await sql`select set_config('realtime.topic', ${topic}, true)`;
        return sql`select from realtime.messages where topic = 'open'`;
      });
    expect(await seen('open')).toHaveLength(1);
    expect(await seen('closed')).toHaveLength(0);
  });
});

it('keeps and changes secrets through the calls of Vault', async () => {
  const [made] = await owner<{ id: string }[]>`select vault.create_secret('s1', 'name') as id`;
  await owner`select vault.update_secret(${made!.id}, 's2')`;
  expect(await owner`select name, decrypted_secret from vault.decrypted_secrets`).toEqual([
    { name: 'name', decrypted_secret: 's2' },
  ]);
});

it('is applied once, and again when its files have changed', async () => {
  await applyBaseline(admin);
  expect(await admin`select from kavach_embedded.baseline`).toHaveLength(1);
  await admin`update kavach_embedded.baseline set hash = 'an older one'`;
  await applyBaseline(admin);
  expect(await admin`select from kavach_embedded.baseline`).toHaveLength(2);
  expect(await owner`select name from vault.secrets`).toHaveLength(1);
});
