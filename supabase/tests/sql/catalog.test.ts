/** Rules that hold for every table and function, whoever adds the next one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFixture, type Fixture } from './testing/fixture.ts';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** The first column of all rows. */
async function names(query: string): Promise<string[]> {
  const rows = await fixture.admin.unsafe(query);
  return rows.map((row) => String(Object.values(row)[0]));
}

const RELATIONS = `pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p')`;

describe('the tables of the schema kavach', () => {
  it('are those of the design', async () => {
    expect(await names(`select relname from ${RELATIONS} and n.nspname = 'kavach' order by 1`)).toEqual([
      'agents', 'alert_events', 'alert_rules', 'api_keys', 'billing_events', 'budget_windows', 'budgets', 'daily_spend',
      'dead_letters', 'events', 'hourly_spend', 'kills', 'leases', 'members', 'organizations', 'plans', 'rate_counters', 'runs',
      'subscriptions', 'user_requests',
    ]); // prettier-ignore
  });

  it('have row level security, as the partitions have', async () => {
    expect(
      await names(
        `select c.oid::regclass from ${RELATIONS} and n.nspname in ('kavach', 'private') and not c.relrowsecurity`,
      ),
    ).toEqual([]);
  });

  it('explain themselves in Studio: each table and each column has a comment', async () => {
    expect(
      await names(`
        select c.oid::regclass || '.' || coalesce(a.attname, '') from ${RELATIONS.replace(
          'where',
          `
        left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped where`,
        )}
        and n.nspname = 'kavach'
        and (obj_description(c.oid, 'pg_class') is null or col_description(c.oid, a.attnum) is null)`),
    ).toEqual([]);
  });

  it('have one policy for each operation that is granted, and each policy is a sentence', async () => {
    const several = await names(`
      select tablename || ' ' || cmd from pg_policies where schemaname = 'kavach' group by tablename, cmd having count(*) > 1`);
    expect(several).toEqual([]);
    const terse = await names(
      `select policyname from pg_policies where schemaname = 'kavach' and policyname !~ ' .* '`,
    );
    expect(terse).toEqual([]);
    const unwritten = await names(`
      select g.table_name || ' ' || g.privilege_type from (
        select table_name::text, privilege_type::text from information_schema.role_table_grants
        where table_schema = 'kavach' and grantee = 'authenticated'
        union
        select table_name, privilege_type from information_schema.role_column_grants
        where table_schema = 'kavach' and grantee = 'authenticated'
      ) g
      where not exists (
        select from pg_policies p where p.schemaname = 'kavach' and p.tablename = g.table_name and p.cmd = g.privilege_type
      )`);
    expect(unwritten).toEqual([]);
  });

  it('have an index for every foreign key', async () => {
    expect(
      await names(`
        select conrelid::regclass || ' ' || conname from pg_constraint f
        where contype = 'f' and connamespace = 'kavach'::regnamespace and not exists (
          select from pg_index i where i.indrelid = f.conrelid
            and (i.indkey::int2[])[0:cardinality(f.conkey) - 1] @> f.conkey
        )`),
    ).toEqual([]);
  });
});

describe('the functions', () => {
  const FUNCTIONS = `pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('kavach', 'private')`;

  it('pin their search path and have a comment', async () => {
    expect(
      await names(`
        select p.oid::regprocedure from ${FUNCTIONS}
        and (not coalesce(p.proconfig @> '{"search_path=\\"\\""}', false) or obj_description(p.oid, 'pg_proc') is null)`),
    ).toEqual([]);
  });

  it('run with their owner’s rights only in the schema that is not exposed', async () => {
    expect(
      await names(`select p.oid::regprocedure from ${FUNCTIONS} and n.nspname = 'kavach' and p.prosecdef`),
    ).toEqual([]);
  });

  it('can be called by nobody without credentials, and by callers only where that is meant', async () => {
    expect(
      await names(`select p.oid::regprocedure from ${FUNCTIONS} and has_function_privilege('anon', p.oid, 'execute')`),
    ).toEqual([]);
    expect(
      await names(`
        select n.nspname || '.' || p.proname from ${FUNCTIONS} and has_function_privilege('authenticated', p.oid, 'execute') order by 1`),
    ).toEqual([
      'kavach.kill_agent', 'kavach.release_limit', 'kavach.resume_agent', 'kavach.set_limit',
      'private.connect', 'private.create_key', 'private.create_organization', 'private.events_today', 'private.ingest',
      'private.is_time_zone', 'private.kill_agent', 'private.leases', 'private.may_listen', 'private.orgs_with',
      'private.release_limit', 'private.resume_agent', 'private.revoke_key', 'private.rotate_key', 'private.set_limit', 'private.start_of_date',
      'private.target_hint', 'private.window_of', 'private.zone_of',
    ]); // prettier-ignore
  });
});

describe('callers without credentials', () => {
  it('may use neither schema', async () => {
    const [row] = await fixture.admin`
      select has_schema_privilege('anon', 'kavach', 'usage') as kavach, has_schema_privilege('anon', 'private', 'usage') as private`;
    expect(row).toEqual({ kavach: false, private: false });
  });
});

describe('the migrations', () => {
  it('leave nothing in the schema public, and only a policy in the schema realtime', async () => {
    expect(await names(`select relname from ${RELATIONS} and n.nspname = 'public'`)).toEqual([]);
    const policies = await fixture.admin`select policyname, cmd from pg_policies where schemaname = 'realtime'`;
    expect([...policies]).toEqual([
      { policyname: "callers can receive their organisation's control messages", cmd: 'SELECT' },
    ]);
  });
});
