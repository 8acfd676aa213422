/** Another organisation's caller gets nothing, by any table and any function. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyOf, listenerOf, refusal, startFixture, type Claims, type Fixture } from './testing/fixture.ts';
import { AgentCalls, budget, callEvent, DOLLAR } from './testing/wire.ts';

let fixture: Fixture;
let owner: Claims;
let budgetId: string;
let poolId: string;
let keyId: string;
const leaseId = randomUUID();
const callers: Record<string, Claims | null> = {};

/** All but the plans, which everybody signed in may read. */
let tables: string[];

beforeAll(async () => {
  fixture = await startFixture();
  const { admin, org, otherOrg } = fixture;
  owner = await fixture.member(org, 'owner');
  // One row of the victim in every table.
  const agent = new AgentCalls(fixture);
  const pool = budget({ id: 'pool', scope: 'shared', name: 'pool', period: 'total' });
  const { budgets } = await agent.connect('bot', [budget(), pool]);
  [budgetId, poolId] = budgets.map((b) => b.budgetId) as [string, string];
  await admin`insert into kavach.alert_rules (org_id, threshold, channel, target) values (${org}, 0.7, 'slack', '{"webhookUrl":"x"}')`;
  await agent.ingest(
    [callEvent({ nano: 8 * DOLLAR })],
    [{ index: 1, id: 'x', reason: 'invalid', detail: 'x', payload: {} }],
  );
  await agent.lease('bot', { budgetId: poolId, leaseId, want: DOLLAR });
  await fixture.pool`select kavach.kill_agent(${org}, 'bot')`;
  await admin`insert into kavach.subscriptions (org_id, plan_id, stripe_customer) values (${org}, 'pro', 'cus_1')`;
  await admin`insert into kavach.billing_events (id, type) values ('evt_1', 'x')`;
  await admin`insert into kavach.user_requests values (${String(owner['sub'])}, 'api', now(), 1, 1)`;
  keyId = await fixture.call(
    owner,
    (sql) => sql`select private.create_key(${org}, 'k', 'dev', '{sdk}', 'ak_dev_abcde', sha256('victim'))`,
  );
  const rows = await admin`
    select relname from pg_class where relnamespace = 'kavach'::regnamespace and relkind in ('r', 'p') and relname <> 'plans'`;
  tables = rows.map(({ relname }) => String(relname));

  callers['an owner elsewhere'] = await fixture.member(otherOrg, 'owner');
  callers['a person without an organisation'] = { role: 'authenticated', sub: randomUUID() };
  callers['a key elsewhere with all scopes'] = keyOf(otherOrg, ['sdk', 'read', 'control', 'admin']);
  callers['a key here with the scope sdk alone'] = keyOf(org, ['sdk']);
  callers['a key here with the scope control alone'] = keyOf(org, ['control']);
  callers['a token that only listens'] = listenerOf(org);
  callers['nobody'] = null;
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** How many rows a statement met; a refusal counts as none. */
async function met(claims: Claims | null, statement: string): Promise<number> {
  const result = await fixture.as(claims, (sql) => sql.unsafe(statement)).catch((error: unknown) => error);
  if (result instanceof Error) {
    expect((result as { code?: string }).code).toMatch(/^(42501|428C9)$/);
    return 0;
  }
  return (result as { count: number }).count;
}

const NAMES = [
  'an owner elsewhere', 'a person without an organisation', 'a key elsewhere with all scopes',
  'a key here with the scope sdk alone', 'a key here with the scope control alone', 'a token that only listens', 'nobody',
]; // prettier-ignore

describe('tables', () => {
  it('all have a row of the organisation, so that there is something to see', async () => {
    for (const table of tables) {
      const [row] = await fixture.admin.unsafe(`select count(*)::int as n from kavach.${table}`);
      expect([table, row!['n'] > 0]).toEqual([table, true]);
    }
  });

  it.each(NAMES)('show %s nothing of another, and let it change nothing', async (name) => {
    const claims = callers[name]!;
    const { org } = fixture;
    for (const table of tables) {
      const ownColumn = table === 'organizations' ? 'id' : table === 'budget_windows' ? 'budget_id' : table === 'user_requests' ? 'user_id' : table === 'billing_events' ? null : 'org_id'; // prettier-ignore
      const ours =
        ownColumn === null
          ? 'true'
          : ownColumn === 'budget_id'
            ? `budget_id = '${budgetId}'`
            : ownColumn === 'user_id'
              ? `user_id = '${String(owner['sub'])}'`
              : `${ownColumn} = '${org}'`;
      const columns = await fixture.admin`
        select string_agg(quote_ident(attname), ',') as all, min(quote_ident(attname)) filter (where attgenerated = '') as first
        from pg_attribute where attrelid = ${`kavach.${table}`}::regclass and attnum > 0 and not attisdropped
          and attname not in ('hash', 'target')`;
      const { all, first } = columns[0]!;
      expect([table, 'select', await met(claims, `select ${all} from kavach.${table} where ${ours}`)]).toEqual([
        table,
        'select',
        0,
      ]);
      expect([table, 'update', await met(claims, `update kavach.${table} set ${first} = ${first} where ${ours}`)]).toEqual([table, 'update', 0]); // prettier-ignore
      expect([table, 'delete', await met(claims, `delete from kavach.${table} where ${ours}`)]).toEqual([
        table,
        'delete',
        0,
      ]);
    }
  });

  it.each(NAMES)('take no row for the organisation from %s', async (name) => {
    const claims = callers[name]!;
    const { org } = fixture;
    const inserts = [
      `insert into kavach.budgets (org_id, scope, period, limit_amount) values ('${org}', 'org', 'daily', 1)`,
      `insert into kavach.alert_rules (org_id, threshold, channel) values ('${org}', 1, 'kill')`,
      `insert into kavach.members (org_id, user_id, role) values ('${org}', gen_random_uuid(), 'owner')`,
      `insert into kavach.organizations (name) values ('x')`,
      `insert into kavach.agents (org_id, name) values ('${org}', 'x')`,
      `insert into kavach.api_keys (org_id, name, environment, prefix, hash) values ('${org}', 'x', 'dev', 'ak_dev_x', sha256('x'))`,
    ];
    for (const statement of inserts) expect([statement, await met(claims, statement)]).toEqual([statement, 0]);
  });

  it('never show a key’s hash nor an alert’s target, not even to the owner', async () => {
    expect(await refusal(fixture.as(owner, (sql) => sql`select hash from kavach.api_keys`))).toMatchObject({
      sqlstate: '42501',
    });
    expect(await refusal(fixture.as(owner, (sql) => sql`select target from kavach.alert_rules`))).toMatchObject({
      sqlstate: '42501',
    });
    const hints = await fixture.as(owner, (sql) => sql`select target_hint from kavach.alert_rules`);
    expect([...hints]).toEqual([{ target_hint: { webhookUrl: '…x' } }]);
  });

  it('do not tell whether another organisation’s agent or budget exists', async () => {
    const rival = keyOf(fixture.otherOrg, ['admin']);
    for (const id of [budgetId, randomUUID()]) {
      const insert = fixture.as(
        rival,
        (sql) =>
          sql`insert into kavach.alert_rules (org_id, budget_id, threshold, channel) values (${fixture.otherOrg}, ${id}, 1, 'kill')`,
      );
      expect(await refusal(insert)).toMatchObject({ sqlstate: '23503' });
    }
  });

  it('hide partitions and internals from every caller', async () => {
    const [row] =
      await fixture.admin`select inhrelid::regclass::text as name from pg_inherits where inhparent = 'kavach.events'::regclass limit 1`;
    for (const claims of [owner, ...Object.values(callers)]) {
      expect(await met(claims, `select * from ${row!['name']}`)).toBe(0);
    }
  });
});

describe('the owner', () => {
  it('reads every table but the webhook events', async () => {
    for (const table of tables.filter((name) => name !== 'billing_events')) {
      const [row] = await fixture.as(owner, (sql) => sql.unsafe(`select count(*)::int as n from kavach.${table}`));
      expect([table, row!['n'] > 0]).toEqual([table, true]);
    }
  });

  it('sees its own rows only', async () => {
    const rows = await fixture.as(owner, (sql) => sql`select id from kavach.organizations`);
    expect([...rows]).toEqual([{ id: fixture.org }]);
  });

  it('as a member may stop agents, but change neither keys, budgets nor rules', async () => {
    const member = await fixture.member(fixture.org, 'member');
    await fixture.call(member, (sql) => sql`select kavach.resume_agent(${fixture.org}, 'bot')`);
    const denied = [
      () => fixture.call(member, (sql) => sql`select kavach.set_limit(${budgetId}, 5)`),
      () => fixture.call(member, (sql) => sql`select private.revoke_key(${keyId})`),
      () =>
        fixture.call(
          member,
          (sql) => sql`select private.create_key(${fixture.org}, 'k', 'dev', '{sdk}', 'ak_dev_abcde', sha256('m'))`,
        ),
    ];
    for (const work of denied) expect((await refusal(work())).sqlstate).toBe('KA403');
    expect(await met(member, `delete from kavach.alert_rules`)).toBe(0);
    expect(await met(member, `delete from kavach.budgets`)).toBe(0);
  });
});

describe('functions', () => {
  it.each(NAMES)('refuse %s', async (name) => {
    const claims = callers[name]!;
    const { org } = fixture;
    const isControl = name.includes('control');
    const isSdk = name.includes('sdk alone');
    const refused: [string, () => Promise<unknown>][] = [
      ['create_key', () => fixture.call(claims, (sql) => sql`select private.create_key(${org}, 'k', 'dev', '{sdk}', 'ak_dev_abcde', sha256('n'))`)],
      ['revoke_key', () => fixture.call(claims, (sql) => sql`select private.revoke_key(${keyId})`)],
      ['rotate_key', () => fixture.call(claims, (sql) => sql`select private.rotate_key(${keyId}, 'ak_dev_abcde', sha256('o'))`)],
    ]; // prettier-ignore
    if (!isSdk)
      refused.push(['set_limit', () => fixture.call(claims, (sql) => sql`select kavach.set_limit(${budgetId}, 5)`)]);
    if (!isControl) {
      refused.push(
        ['kill_agent', () => fixture.call(claims, (sql) => sql`select kavach.kill_agent(${org}, 'bot')`)],
        ['resume_agent', () => fixture.call(claims, (sql) => sql`select kavach.resume_agent(${org}, 'bot')`)],
      );
    }
    for (const [what, work] of refused) {
      expect([what, (await refusal(work())).sqlstate]).toEqual([
        what,
        expect.stringMatching(/^(KA401|KA403|KA404|42501)$/),
      ]);
    }
    if (claims === null) return;
    const usage = await fixture.call(claims, (sql) => sql`select private.events_today(${org})`);
    expect(usage).toBe(0n);
  });

  it('of the scope sdk refuse people, listeners and other keys', async () => {
    const others = [owner, listenerOf(fixture.org), keyOf(fixture.org, ['read', 'control', 'admin'])];
    for (const claims of others) {
      const refused = [
        () => fixture.call(claims, (sql) => sql`select private.connect('{"agent":"x","budgets":[]}')`),
        () => fixture.call(claims, (sql) => sql`select private.ingest(${randomUUID()}, '[]', '[]')`),
        () => fixture.call(claims, (sql) => sql`select private.leases('{"agent":"x","leases":[]}')`),
      ];
      for (const work of refused) expect((await refusal(work())).sqlstate).toMatch(/^KA40[13]$/);
    }
  });

  it('give another organisation’s key neither its leases nor its budgets', async () => {
    const rival = new AgentCalls(fixture, fixture.otherOrg);
    const answer = await rival.leases('bot', [
      { budgetId: poolId, leaseId, seq: 9, used: 9 * DOLLAR, close: true },
      { budgetId: poolId, want: DOLLAR },
    ]);
    expect(answer.leases.map(({ state, spent, limit }) => [state, spent, limit])).toEqual([
      ['lost', 0, 0],
      ['lost', 0, 0],
    ]);
    expect(answer.state).toMatchObject({ killed: false });
    const [lease] = await fixture.admin`select state, used::float8 from kavach.leases where id = ${leaseId}`;
    expect(lease).toEqual({ state: 'open', used: 0 });
  });

  it('do not trust the login role once it has authenticated a key', async () => {
    const work = fixture.pool.begin(async (sql) => {
      await sql`select private.authenticate_key(sha256('victim'))`;
      return sql`select kavach.kill_agent(${fixture.otherOrg}, 'bot')`;
    });
    expect((await refusal(work)).sqlstate).toBe('KA403');
  });
});
