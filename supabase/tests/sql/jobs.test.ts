import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cell, startFixture, type Fixture } from './testing/fixture.ts';
import { AgentCalls, budget, callEvent } from './testing/wire.ts';

let fixture: Fixture;
let agent: AgentCalls;

beforeAll(async () => {
  fixture = await startFixture();
  agent = new AgentCalls(fixture);
});
afterAll(() => fixture[Symbol.asyncDispose]());

async function partitions(): Promise<string[]> {
  const rows = await fixture.admin`
    select relname from pg_class join pg_inherits on inhrelid = oid where inhparent = 'kavach.events'::regclass order by 1`;
  return rows.map(({ relname }) => String(relname));
}

describe('private.run_jobs', () => {
  it('runs for the service role and for Studio', async () => {
    const [row] = await fixture.pool`select private.run_jobs() as done`;
    expect(row!['done']).toMatchObject({ expired_leases: 0, new_partitions: 0, pruned: { partitions: 0, runs: 0 } });
    const asService = fixture.pool.begin(async (sql) => {
      await sql`set local role service_role`;
      return sql`select private.run_jobs()`;
    });
    expect(await asService).toHaveLength(1);
  });

  it('makes a partition for each of the last 30 and the next 7 days, and drops older ones with their events', async () => {
    expect(await partitions()).toHaveLength(38);
    await fixture.admin.unsafe(`
      create table private.events_20200101 (like kavach.events including all);
      alter table kavach.events attach partition private.events_20200101 for values from ('2020-01-01Z') to ('2020-01-02Z');`);
    const [newest] = (await partitions()).slice(-1);
    await fixture.admin.unsafe(`drop table private.${newest!}`);
    const [row] = await fixture.pool`select private.run_jobs() as done`;
    expect(row!['done']).toMatchObject({ new_partitions: 1, pruned: { partitions: 1 } });
    expect(await partitions()).toHaveLength(38);
  });

  it('gives a new partition the key, the indexes and the protection of the others', async () => {
    const rows = await fixture.admin`
      select c.relname, c.relrowsecurity as protected, obj_description(c.oid) like 'Events of %' as commented,
        (select count(*)::int from pg_index i where i.indrelid = c.oid) as indexes,
        (select count(*)::int from pg_constraint k where k.conrelid = c.oid and k.contype = 'p') as keys
      from pg_class c join pg_inherits on inhrelid = c.oid where inhparent = 'kavach.events'::regclass`;
    for (const row of rows) expect(row).toMatchObject({ protected: true, commented: true, indexes: 3, keys: 1 });
  });

  it('deletes what is kept no longer, and nothing younger', async () => {
    await agent.connect('bot', [budget({ period: 'hourly' })]);
    await agent.ingest([callEvent()], [{ index: 1, id: 'x', reason: 'invalid', detail: 'x', payload: null }]);
    const pool = (await agent.connect('bot', [budget({ scope: 'org', period: 'total' })])).budgets[0]!.budgetId;
    const leaseId = randomUUID();
    await agent.lease('bot', { budgetId: pool, leaseId, want: 1 });
    await agent.lease('bot', { budgetId: pool, leaseId, seq: 2, close: true });
    const prune = () => cell(fixture.pool`select private.retention() as done`);
    const nothing = {
      partitions: 0,
      runs: 0,
      dead_letters: 0,
      hourly_spend: 0,
      budget_windows: 0,
      leases: 0,
      rate_counters: 0,
    };
    expect(await prune()).toMatchObject(nothing);
    await fixture.admin.unsafe(`
      update kavach.runs set last_event_at = now() - interval '32 days';
      update kavach.dead_letters set received_at = now() - interval '31 days';
      update kavach.hourly_spend set bucket = bucket - interval '91 days';
      update kavach.budget_windows set window_start = window_start - interval '91 days', window_end = window_end - interval '91 days'
        where window_end < 'infinity';
      update kavach.leases set ended_at = now() - interval '8 days';
      update kavach.rate_counters set window_start = now() - interval '33 days';`);
    expect(await prune()).toMatchObject({
      ...nothing,
      runs: 1,
      dead_letters: 1,
      hourly_spend: 1,
      budget_windows: 1,
      leases: 1,
      rate_counters: 1,
    });
    const [left] =
      await fixture.admin`select (select count(*) from kavach.daily_spend)::int as daily, (select count(*) from kavach.budget_windows)::int as totals`;
    expect(left).toEqual({ daily: 1, totals: 1 });
  });
});

describe('private.wake_dispatcher', () => {
  const wake = () => cell<boolean>(fixture.pool`select private.wake_dispatcher()`);
  const asked = async (): Promise<string[]> => {
    const rows = await fixture.admin.unsafe('select url from net.asked order by id');
    return rows.map(({ url }) => String(url));
  };
  const URL = 'https://project.example/functions/v1/alerts/dispatch';

  it('asks nobody without an alert that is due, without pg_net, and without an address', async () => {
    const { org, admin } = fixture;
    expect(await wake()).toBe(false);
    const { budgets } = await agent.connect('waker', [budget()]);
    await admin`
      insert into kavach.alert_events (org_id, budget_id, holder, window_start, threshold, spent, limit_amount, state)
      values (${org}, ${budgets[0]!.budgetId}, '', now(), 0.7, 7, 10, 'pending')`;
    expect(await wake()).toBe(false);
    // What pg_net has, as far as it is used here.
    await admin.unsafe(`
      create schema net;
      create table net.asked (id bigint generated always as identity, url text, headers jsonb);
      create table net._http_response (id bigint, status_code int);
      create function net.http_post(url text, body jsonb, headers jsonb) returns bigint language sql as
        'insert into net.asked (url, headers) values ($1, $3) returning id';
      grant usage on schema net to postgres;
      grant select, insert on all tables in schema net to postgres;`);
    expect(await wake()).toBe(false);
  });

  it('asks the function of the project that was named', async () => {
    await fixture.pool`
      select vault.create_secret('https://project.example/functions/v1', 'kavach_functions_url'),
        vault.create_secret('the key', 'kavach_dispatch_key')`;
    expect(await wake()).toBe(true);
    expect(await asked()).toEqual([URL]);
    expect(await cell(fixture.admin`select headers ->> 'Authorization' from net.asked`)).toBe('Bearer the key');
    await fixture.admin`insert into net._http_response select max(id), 200 from net.asked`;
    expect(await wake()).toBe(true);
  });

  it('leaves functions alone that have no dispatcher, and looks again after an hour', async () => {
    const before = (await asked()).length;
    await fixture.admin`insert into net._http_response select max(id), 404 from net.asked`;
    expect([await wake(), await wake()]).toEqual([false, false]);
    expect(await asked()).toHaveLength(before);
    await fixture.admin`update private.dispatcher_wakes set asked_at = now() - interval '61 minutes'`;
    expect(await wake()).toBe(true);
    expect(await asked()).toHaveLength(before + 1);
  });
});
