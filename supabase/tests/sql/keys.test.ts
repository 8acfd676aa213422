import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cell, keyOf, refusal, startFixture, type Claims, type Fixture } from './testing/fixture.ts';

let fixture: Fixture;
let owner: Claims;

beforeAll(async () => {
  fixture = await startFixture();
  owner = await fixture.member(fixture.org, 'owner');
});
afterAll(() => fixture[Symbol.asyncDispose]());

const hashOf = (key: string) => createHash('sha256').update(key).digest();

async function makeKey(key: string, scopes = ['sdk'], claims: Claims = owner, org = fixture.org): Promise<string> {
  return fixture.call(
    claims,
    (sql) =>
      sql`select private.create_key(${org}, ${`key ${key}`}, 'dev', ${scopes}, ${'ak_dev_abcde'}, ${hashOf(key)})`,
  );
}

/** As the HTTP layer does it: the login role asks, and becomes the caller. */
async function authenticate(key: string): Promise<unknown> {
  return fixture.pool.begin(async (sql) => {
    await sql`select private.authenticate_key(${hashOf(key)}), set_config('role', 'authenticated', true)`;
    const [row] = await sql`select auth.jwt() as claims, current_user::text as role`;
    return row;
  });
}

describe('private.authenticate_key', () => {
  it('makes the rest of the transaction the key’s, and no longer', async () => {
    const id = await makeKey('one', ['sdk', 'read']);
    expect(await authenticate('one')).toEqual({
      role: 'authenticated',
      claims: { role: 'authenticated', kavach_org: fixture.org, kavach_key: id, kavach_scopes: ['sdk', 'read'] },
    });
    const [row] = await fixture.pool`select auth.jwt() as claims, current_user::text as role`;
    expect(row).toEqual({ claims: null, role: 'postgres' });
  });

  it('tells unknown, revoked and expired keys apart', async () => {
    expect(await refusal(authenticate('unknown'))).toMatchObject({ sqlstate: 'KA401', code: 'key_invalid' });
    const id = await makeKey('revoked');
    await fixture.call(owner, (sql) => sql`select private.revoke_key(${id})`);
    await fixture.call(owner, (sql) => sql`select private.revoke_key(${id})`);
    expect(await refusal(authenticate('revoked'))).toMatchObject({ sqlstate: 'KA401', code: 'key_revoked' });
    const rotated = await makeKey('rotated');
    await fixture.call(
      owner,
      (sql) => sql`select private.rotate_key(${rotated}, 'ak_dev_fghij', ${hashOf('successor')})`,
    );
    await authenticate('rotated');
    await authenticate('successor');
    await fixture.admin`update kavach.api_keys set expires_at = now() where id = ${rotated}`;
    expect(await refusal(authenticate('rotated'))).toMatchObject({ sqlstate: 'KA401', code: 'key_expired' });
  });
});

const admit = (key: string, bucket = 'api'): Promise<unknown> =>
  cell(fixture.pool`select private.admit_key(${hashOf(key)}, ${bucket})`);

/** As if so many more requests had come in this minute and the next, whichever it is by now. */
const asIfCounted = (table: 'kavach.rate_counters' | 'kavach.user_requests', owner: string, count: number) =>
  fixture.admin.unsafe(
    `insert into ${table} select $1::uuid, 'api', date_trunc('minute', now()) + m * interval '1 minute', 100, $2::bigint
     from generate_series(0, 1) m`,
    [owner, count],
  );

const BURST = { sqlstate: 'KA429', code: 'burst', detail: { reason: 'burst', limit: 120 } };

describe('private.admit_key', () => {
  it('notes the last use once a minute, without one request waiting for another', async () => {
    const id = await makeKey('used');
    await Promise.all(Array.from({ length: 16 }, () => admit('used')));
    const [first] = await fixture.admin`select last_used_at from kavach.api_keys where id = ${id}`;
    expect(first!['last_used_at']).toBeInstanceOf(Date);
    await admit('used');
    const [second] = await fixture.admin`select last_used_at from kavach.api_keys where id = ${id}`;
    expect(second).toEqual(first);
  });

  it('counts requests of each bucket against the plan, and says when to come back', async () => {
    const org = await cell<string>(
      fixture.admin`insert into kavach.organizations (name) values ('Small') returning id`,
    );
    const small = await fixture.member(org, 'owner');
    await makeKey('small', ['sdk'], small, org);
    await asIfCounted('kavach.rate_counters', org, 119);
    await admit('small');
    const denied = await refusal(Promise.all([admit('small'), admit('small')]));
    expect(denied).toMatchObject(BURST);
    expect(denied.detail['retryAfterSeconds']).toBeGreaterThan(0);
    expect(denied.detail['retryAfterSeconds']).toBeLessThanOrEqual(60);
    await admit('small', 'ingest');
  });

  it('counts nothing for plans without a limit, and leaves keys that are none to authenticate_key', async () => {
    await makeKey('unlimited');
    await admit('unlimited');
    await admit('nobody made it');
    const rows = await fixture.admin`select from kavach.rate_counters where org_id = ${fixture.org}`;
    expect(rows).toHaveLength(0);
  });
});

describe('private.admit_user', () => {
  const person = async (...plans: string[]): Promise<string> => {
    const id = randomUUID();
    await fixture.admin`insert into auth.users (id, email) values (${id}, ${`${id}@example.com`})`;
    for (const plan of plans) {
      await fixture.admin`
        with org as (insert into kavach.organizations (name, plan_id) values ('Theirs', ${plan}) returning id)
        insert into kavach.members (org_id, user_id, role) select id, ${id}, 'member' from org`;
    }
    await asIfCounted('kavach.user_requests', id, 119);
    return id;
  };
  const ask = (user: string, bucket = 'api') => cell(fixture.pool`select private.admit_user(${user}, ${bucket})`);

  it.each([
    ['of a free organisation', ['free']],
    ['of none', []],
  ])('counts a person %s against the free plan', async (_, plans) => {
    const user = await person(...plans);
    await ask(user);
    expect(await refusal(ask(user))).toMatchObject(BURST);
    await ask(user, 'auth');
    await ask(await person(...plans));
  });

  it('goes by the most generous plan of several', async () => {
    for (const plan of ['pro', 'max']) {
      const user = await person('free', plan, 'free');
      await ask(user);
      await ask(user);
    }
  });
});

describe('keys', () => {
  it('are refused where they would be none', async () => {
    const attempts = [
      () => makeKey('x', ['root']),
      () => makeKey('x', []),
      () => fixture.call(owner, (sql) => sql`select private.create_key(${fixture.org}, '', 'dev', '{sdk}', 'ak_dev_abcde', ${hashOf('x')})`),
      () => fixture.call(owner, (sql) => sql`select private.create_key(${fixture.org}, 'x', 'test', '{sdk}', 'ak_dev_abcde', ${hashOf('x')})`),
    ]; // prettier-ignore
    for (const attempt of attempts)
      expect(await refusal(attempt())).toMatchObject({ sqlstate: 'KA422', code: 'invalid_key' });
  });

  it('cannot make keys with scopes that they lack themselves, but for those of apps', async () => {
    const admin = keyOf(fixture.org, ['admin', 'read']);
    for (const scopes of [['control'], ['sdk', 'control']])
      expect(await refusal(makeKey('more', scopes, admin))).toMatchObject({ sqlstate: 'KA403', code: 'scope_missing' });
    await makeKey('less', ['read'], admin);
    await makeKey('app', ['sdk'], admin);
  });

  it('are rotated once, and keep their name and scopes', async () => {
    const old = await makeKey('first', ['sdk', 'read']);
    const rotate = (hash: string) =>
      fixture.call<string>(
        owner,
        (sql) => sql`select private.rotate_key(${old}, 'ak_dev_klmno', ${hashOf(hash)}, '1 hour')`,
      );
    const id = await rotate('second');
    const rows = await fixture.as(
      owner,
      (sql) => sql`
        select id, name, scopes, replaced_by, expires_at > now() + interval '59 minutes' as in_grace from kavach.api_keys
        where name = 'key first' order by created_at, replaced_by nulls last`,
    );
    expect([...rows]).toEqual([
      { id: old, name: 'key first', scopes: ['sdk', 'read'], replaced_by: id, in_grace: true },
      { id, name: 'key first', scopes: ['sdk', 'read'], replaced_by: null, in_grace: null },
    ]);
    expect(await refusal(rotate('third'))).toMatchObject({ sqlstate: 'KA409', code: 'key_ended' });
    const unknown = fixture.call(owner, (sql) => sql`select private.revoke_key(${randomUUID()})`);
    expect(await refusal(unknown)).toMatchObject({ sqlstate: 'KA404', code: 'key_not_found' });
  });
});

describe('organisations', () => {
  it('belong to who creates them', async () => {
    const id = randomUUID();
    await fixture.admin`insert into auth.users (id, email) values (${id}, 'new@example.com')`;
    const person = { role: 'authenticated', sub: id, email: 'new@example.com' };
    const org = await fixture.call<string>(person, (sql) => sql`select private.create_organization('  New  ')`);
    const rows = await fixture.as(
      person,
      (sql) =>
        sql`select o.name, o.plan_id, m.role from kavach.organizations o join kavach.members m on m.org_id = o.id`,
    );
    expect([...rows]).toEqual([{ name: 'New', plan_id: 'free', role: 'owner' }]);
    await fixture.as(person, (sql) => sql`update kavach.organizations set name = 'Newer' where id = ${org}`);
    const upgrade = fixture.as(person, (sql) => sql`update kavach.organizations set plan_id = 'max' where id = ${org}`);
    expect(await refusal(upgrade)).toMatchObject({ sqlstate: '42501' });
    const nobody = fixture.call(keyOf(org, ['admin']), (sql) => sql`select private.create_organization('x')`);
    expect(await refusal(nobody)).toMatchObject({ sqlstate: 'KA401' });
  });

  it('take everything with them when they go, events included', async () => {
    const org = await cell<string>(
      fixture.admin`insert into kavach.organizations (name, plan_id) values ('Gone', 'max') returning id`,
    );
    const event = { index: 0, type: 'call', id: randomUUID(), agent: 'a', runId: 'r', at: Date.now(), startedAt: Date.now(), provider: 'p', model: 'm', outcome: 'completed', estimated: false, nano: 1, tokens: 1, calls: 1 }; // prettier-ignore
    await fixture.call(keyOf(org), (sql) => sql`select private.ingest(${randomUUID()}, ${sql.json([event])}, '[]')`);
    await fixture.admin`delete from kavach.organizations where id = ${org}`;
    const [left] = await fixture.admin`
      select (select count(*) from kavach.events where org_id = ${org})::int as events,
        (select count(*) from kavach.runs where org_id = ${org})::int as runs`;
    expect(left).toEqual({ events: 0, runs: 0 });
  });
});

describe('subscriptions', () => {
  it('follow Stripe’s newest answer, once for each event', async () => {
    const apply = async (
      event: string,
      fields: Partial<Record<'org' | 'plan' | 'status' | 'subscription' | 'at', string | null>>,
    ) => {
      const {
        org = fixture.otherOrg,
        plan = 'pro',
        status = 'active',
        subscription = 'sub_1',
        at = '2026-01-02',
      } = fields;
      return cell(fixture.pool`
        select private.apply_subscription(${event}, 'x', ${org}, ${plan}, 'cus_1', ${subscription}, ${status}, now(), ${at}) as outcome`);
    };
    const planOf = () => cell(fixture.admin`select plan_id from kavach.organizations where id = ${fixture.otherOrg}`);
    expect(await apply('e0', { org: null })).toBe('unknown_organization');
    expect(await apply('e0', {})).toBe('applied');
    expect(await planOf()).toBe('pro');
    expect(await apply('e0', { plan: 'max' })).toBe('duplicate');
    expect(await apply('e1', { plan: 'max', at: '2026-01-01' })).toBe('stale');
    expect(await apply('e2', { plan: 'free', status: 'canceled', subscription: 'sub_0', at: '2026-01-03' })).toBe(
      'superseded',
    );
    expect(await planOf()).toBe('pro');
    expect(await apply('e3', { org: null, plan: 'free', status: 'canceled', at: '2026-01-04' })).toBe('applied');
    expect(await planOf()).toBe('free');
    const member = await fixture.member(fixture.otherOrg, 'owner');
    const denied = fixture.call(
      member,
      (sql) => sql`select private.apply_subscription('e', 'x', ${fixture.otherOrg}, 'max', '', '', '', now(), now())`,
    );
    expect(await refusal(denied)).toMatchObject({ sqlstate: '42501' });
  });
});
