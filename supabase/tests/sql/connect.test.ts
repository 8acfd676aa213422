import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cell, keyOf, refusal, startFixture, type Fixture } from './testing/fixture.ts';
import { AgentCalls, budget, callEvent, DOLLAR } from './testing/wire.ts';

let fixture: Fixture;
let agent: AgentCalls;

beforeAll(async () => {
  fixture = await startFixture();
  agent = new AgentCalls(fixture);
});
afterAll(() => fixture[Symbol.asyncDispose]());

describe('connect', () => {
  it('answers with the organisation, the state, and each budget in the order declared', async () => {
    const answer = await agent.connect('first', [
      budget({ id: 'monthly', period: 'monthly', limit: 100 * DOLLAR }),
      budget({ id: 'daily' }),
      budget({ id: 'daily#2', limit: 5 * DOLLAR }),
      budget({ id: 'tokens', unit: 'tokens', limit: 1_000_000_000_000_000 }),
      budget({ id: 'team', scope: 'shared', name: 'team', period: 'total' }),
    ]);
    expect(answer.organisation).toEqual({ id: fixture.org, name: 'Acme', plan: 'max' });
    expect(answer.state).toEqual({ agent: 'first', killed: false, epoch: 0, reason: null, by: null });
    expect(answer.realtime).toBeNull();
    expect(Math.abs(answer.serverTime - Date.now())).toBeLessThan(60_000);
    expect(answer.budgets.map(({ id, limit }) => [id, limit])).toEqual([
      ['monthly', 100 * DOLLAR],
      ['daily', 10 * DOLLAR],
      ['daily#2', 5 * DOLLAR],
      ['tokens', 1_000_000_000_000_000],
      ['team', 10 * DOLLAR],
    ]);
    expect(new Set(answer.budgets.map(({ budgetId }) => budgetId)).size).toBe(5);
    expect(answer.budgets[4]).toMatchObject({ windowStart: null, spent: [] });
    expect(answer.budgets[1]!.windowStart! % 86_400_000).toBe(0);
  });

  it('answers with what was spent already', async () => {
    await agent.connect('spender', [budget(), budget({ id: 'users', scope: 'user', name: 'users' })]);
    await agent.ingest([
      callEvent({ agent: 'spender', nano: DOLLAR, user: 'ann' }),
      callEvent({ agent: 'spender', nano: 2 * DOLLAR }),
    ]);
    const answer = await agent.connect('spender', [budget(), budget({ id: 'users', scope: 'user', name: 'users' })]);
    expect(answer.budgets[0]!.spent).toEqual([{ holder: '', spent: 3 * DOLLAR }]);
    expect(answer.budgets[1]!.spent).toEqual([
      { holder: '', spent: 2 * DOLLAR },
      { holder: 'ann', spent: DOLLAR },
    ]);
  });

  it('counts what was reported before the agent declared its first budget, and only then', async () => {
    await agent.ingest([
      callEvent({ agent: 'late', nano: 4 * DOLLAR }),
      callEvent({ agent: 'late', nano: DOLLAR, tags: ['x'] }),
    ]);
    const tags = budget({ id: 'tags', scope: 'tag', name: 'tags' });
    const answer = await agent.connect('late', [budget(), tags]);
    expect(answer.budgets.map(({ spent }) => spent)).toEqual([
      [{ holder: '', spent: 5 * DOLLAR }],
      [{ holder: 'x', spent: DOLLAR }],
    ]);
    const again = await agent.connect('late', [budget(), tags, budget({ id: 'total', period: 'total' })]);
    expect(again.budgets.map(({ spent }) => spent)).toEqual([
      [{ holder: '', spent: 5 * DOLLAR }],
      [{ holder: 'x', spent: DOLLAR }],
      [],
    ]);
  });

  it('waits for a batch that does not see its budgets yet', async () => {
    await agent.connect('waiting', []);
    let connected = false;
    const connecting = await fixture.as(agent.claims, async (sql) => {
      const batch = [{ ...callEvent({ agent: 'waiting', nano: DOLLAR }), index: 0 }];
      await sql`select private.ingest(${crypto.randomUUID()}, ${sql.json(batch)}, '[]')`;
      const connecting = agent.connect('waiting', [budget()]).finally(() => {
        connected = true;
      });
      const isBlocked = () =>
        cell(fixture.admin`
          select exists (select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query like '%private.connect%')`);
      while (!connected && !(await isBlocked()));
      return { connecting };
    });
    expect((await connecting.connecting).budgets[0]!.spent).toEqual([{ holder: '', spent: DOLLAR }]);
  });

  it('loses and doubles nothing when agents connect and report at the same moment', async () => {
    const declared = [budget(), budget({ id: 'total', period: 'total' })];
    await Promise.all(
      Array.from({ length: 24 }, (_, i) =>
        i % 3 === 0
          ? agent.connect('racing', declared)
          : agent.ingest([
              callEvent({ agent: 'racing', nano: DOLLAR / 4 }),
              callEvent({ agent: 'racing', nano: DOLLAR / 4 }),
            ]),
      ),
    );
    const answer = await agent.connect('racing', declared);
    expect(answer.budgets.map(({ spent }) => spent)).toEqual([
      [{ holder: '', spent: 8 * DOLLAR }],
      [{ holder: '', spent: 8 * DOLLAR }],
    ]);
  });

  it('lets the limit follow the code until an operator sets it', async () => {
    const owner = await fixture.member(fixture.org, 'owner');
    const first = await agent.connect('limits', [budget()]);
    const id = first.budgets[0]!.budgetId;
    expect((await agent.connect('limits', [budget({ limit: 20 * DOLLAR })])).budgets[0]).toMatchObject({
      budgetId: id,
      limit: 20 * DOLLAR,
      managedBy: 'code',
    });
    // The agent's own key may set it while the code manages it; the same declaration does not undo that.
    await fixture.call(agent.claims, (sql) => sql`select kavach.set_limit(${id}, 30)`);
    expect((await agent.connect('limits', [budget({ limit: 20 * DOLLAR })])).budgets[0]!.limit).toBe(30 * DOLLAR);
    expect((await agent.connect('limits', [budget({ limit: 25 * DOLLAR })])).budgets[0]!.limit).toBe(25 * DOLLAR);
    const set = await fixture.call(owner, (sql) => sql`select kavach.set_limit(${id}, 7.5)`);
    expect(set).toMatchObject({ id, limit: 7.5, managedBy: 'operator' });
    expect((await agent.connect('limits', [budget({ limit: 99 * DOLLAR })])).budgets[0]).toMatchObject({
      limit: 7.5 * DOLLAR,
      managedBy: 'operator',
    });
    expect(await refusal(fixture.call(agent.claims, (sql) => sql`select kavach.set_limit(${id}, 30)`))).toMatchObject({
      sqlstate: 'KA403',
      code: 'limit_managed',
    });
  });

  it('refuses a shared budget that is declared in another time zone, and a zone that is none', async () => {
    const pool = budget({ id: 'pool', scope: 'shared', name: 'zones' });
    await agent.connect('zones', [pool]);
    expect(await refusal(agent.connect('zones', [{ ...pool, timeZone: 'Europe/Berlin' }]))).toMatchObject({
      sqlstate: 'KA409',
      code: 'budget_conflict',
      detail: { timeZone: 'UTC' },
    });
    expect(await refusal(agent.connect('zones', [budget({ timeZone: 'Mars/Olympus' })]))).toMatchObject({
      sqlstate: 'KA422',
      code: 'unknown_time_zone',
    });
  });

  it('creates agents only as far as the plan allows, also when they connect at once', async () => {
    const org = await cell<string>(
      fixture.admin`insert into kavach.organizations (name) values ('Small') returning id`,
    );
    const small = new AgentCalls(fixture, org);
    const results = await Promise.allSettled(
      Array.from({ length: 12 }, (_, i) => small.connect(`agent-${i}`, [budget()])),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    const denied = await refusal(small.connect('one-more', []));
    expect(denied).toMatchObject({
      sqlstate: 'KA403',
      code: 'tier_agent_limit',
      detail: { reason: 'tier_agent_limit', limit: 3, plan: 'free', agent: 'one-more' },
    });
    expect(await cell(fixture.admin`select count(*)::int from kavach.agents where org_id = ${org}`)).toBe(3);
  });

  it('needs a key with the scope sdk', async () => {
    const request = { sdk: 't', instance: crypto.randomUUID(), agent: 'a', budgets: [] };
    const owner = await fixture.member(fixture.org, 'owner');
    const connect = (claims: Parameters<Fixture['call']>[0]) =>
      refusal(fixture.call(claims, (sql) => sql`select private.connect(${sql.json(request)})`));
    expect(await connect(keyOf(fixture.org, ['read', 'control', 'admin']))).toMatchObject({ sqlstate: 'KA403' });
    expect(await connect(owner)).toMatchObject({ sqlstate: 'KA401', code: 'key_required' });
    expect(await connect(null)).toMatchObject({ sqlstate: '42501' });
  });
});

describe('an agent that is heard from', () => {
  const heard: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['connects', () => agent.connect('seen', [])],
    ['reports', () => agent.ingest([callEvent({ agent: 'seen' })])],
  ];

  it.each(heard)('which %s, is seen to five seconds, with its key', async (_, hear) => {
    await agent.connect('seen', []);
    const seconds = async (): Promise<number> =>
      cell(
        fixture.admin`select extract(epoch from now() - last_seen_at)::float8 from kavach.agents where name = 'seen'`,
      );
    const makeOlder = (by: string) =>
      fixture.admin`update kavach.agents set last_seen_at = last_seen_at - ${by}::interval where name = 'seen'`;
    await makeOlder('20 seconds');
    await hear();
    expect(await seconds()).toBeLessThan(15);
    await makeOlder('2 seconds');
    const before = await cell(fixture.admin`select last_seen_at from kavach.agents where name = 'seen'`);
    await hear();
    expect(await cell(fixture.admin`select last_seen_at from kavach.agents where name = 'seen'`)).toEqual(before);
    expect(await cell(fixture.admin`select last_key_id from kavach.agents where name = 'seen'`)).toBe(
      agent.claims['kavach_key'],
    );
  });
});
