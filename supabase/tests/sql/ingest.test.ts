import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cell, refusal, startFixture, type Fixture } from './testing/fixture.ts';
import { AgentCalls, budget, callEvent, DOLLAR } from './testing/wire.ts';

let fixture: Fixture;
let agent: AgentCalls;

beforeAll(async () => {
  fixture = await startFixture();
  agent = new AgentCalls(fixture);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** What the tables have added up for an agent. */
async function totals(name: string): Promise<Record<string, number>> {
  const [row] = await fixture.admin`
    select
      (select count(*)::int from kavach.events e where e.agent_id = a.id) as events,
      (select coalesce(sum(cost), 0)::float8 from kavach.events e where e.agent_id = a.id) as cost,
      (select coalesce(sum(cost), 0)::float8 from kavach.runs r where r.agent_id = a.id) as runs,
      (select coalesce(sum(cost), 0)::float8 from kavach.hourly_spend s where s.agent_id = a.id) as hourly,
      (select coalesce(sum(cost), 0)::float8 from kavach.daily_spend s where s.agent_id = a.id) as daily,
      (select coalesce(sum(spent), 0)::float8 from kavach.budget_windows w join kavach.budgets b on b.id = w.budget_id
        where b.agent_id = a.id) as spent
    from kavach.agents a where a.org_id = ${fixture.org} and a.name = ${name}`;
  return row as never;
}

async function deadLetters(id: string): Promise<readonly Record<string, unknown>[]> {
  return fixture.admin`
    select reason, detail, payload from kavach.dead_letters where org_id = ${fixture.org} and event_id = ${id} order by id`;
}

describe('ingest', () => {
  it('stores a batch and adds it up everywhere', async () => {
    await agent.connect('sum', [budget()]);
    const start = Date.now();
    const answer = await agent.ingest([
      callEvent({ agent: 'sum', runId: 'a', nano: DOLLAR, tags: ['x'], user: 'ann', toolCalls: 2 }),
      callEvent({ agent: 'sum', runId: 'a', nano: 1, tags: ['y'], estimated: true }),
      {
        type: 'charge',
        id: randomUUID(),
        agent: 'sum',
        runId: 'b',
        at: start,
        startedAt: start,
        name: 'serp-api',
        nano: DOLLAR,
      },
      {
        type: 'denied',
        id: randomUUID(),
        agent: 'sum',
        runId: 'b',
        at: start,
        code: 'KAVACH_BUDGET_EXCEEDED',
        message: 'No room.',
      },
    ]);
    expect(answer).toMatchObject({ accepted: 4, duplicates: 0, rejected: [] });
    expect(answer.agents).toEqual([{ agent: 'sum', killed: false, epoch: 0, reason: null, by: null }]);
    expect(answer.budgets).toHaveLength(1);
    expect(answer.budgets[0]!.spent).toEqual([{ holder: '', spent: 2 * DOLLAR + 1 }]);
    const cost = 2.000000001;
    expect(await totals('sum')).toEqual({ events: 4, cost, runs: cost, hourly: cost, daily: cost, spent: cost });
    const runs = await fixture.admin`
      select run_id, calls::int, tokens::int, tool_calls::int, denied, user_name, tags from kavach.runs
      where org_id = ${fixture.org} order by run_id`;
    expect([...runs]).toEqual([
      { run_id: 'a', calls: 2, tokens: 200, tool_calls: 2, denied: 0, user_name: 'ann', tags: ['x', 'y'] },
      { run_id: 'b', calls: 0, tokens: 0, tool_calls: 0, denied: 1, user_name: null, tags: [] },
    ]);
    const [charge] =
      await fixture.admin`select provider, model, calls::int from kavach.daily_spend where provider = 'charge'`;
    expect(charge).toEqual({ provider: 'charge', model: 'serp-api', calls: 0 });
    const [estimate] = await fixture.admin`select max(estimated_cost)::text as cost from kavach.hourly_spend`;
    expect(estimate).toEqual({ cost: '0.000000001' });
  });

  it('takes an event once, however often and at how many places at once it comes', async () => {
    await agent.connect('once', [budget({ limit: 1_000 * DOLLAR })]);
    const events = Array.from({ length: 200 }, () => callEvent({ agent: 'once' }));
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => agent.ingest(i % 2 === 0 ? events : events.toReversed())),
    );
    expect(answers.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(200);
    expect(answers.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(11 * 200);
    expect(await agent.ingest([events[0]!, events[0]!])).toMatchObject({ accepted: 0, duplicates: 2, rejected: [] });
    const fresh = callEvent({ agent: 'once' });
    expect(await agent.ingest([fresh, fresh])).toMatchObject({ accepted: 1, duplicates: 1 });
    expect(await totals('once')).toMatchObject({ events: 201, runs: 2.01, hourly: 2.01, daily: 2.01, spent: 2.01 });
  });

  it('keeps the good events beside those it refuses, and says why', async () => {
    const good = callEvent({ agent: 'mixed' });
    const ahead = callEvent({ agent: 'mixed', at: Date.now() + 400_000 });
    const old = callEvent({ agent: 'mixed', at: Date.now() - 31 * 86_400_000 });
    await agent.ingest([good]);
    const other = { ...good, nano: good.nano + 1 };
    const invalid = { index: 9, id: 'x', reason: 'invalid', detail: 'id: must be a UUID', payload: { id: 'x' } };
    const answer = await agent.ingest([ahead, callEvent({ agent: 'mixed' }), old, other, good], [invalid]);
    expect(answer).toMatchObject({ accepted: 1, duplicates: 1 });
    expect(answer.rejected.map(({ index, id, reason }) => [index, id, reason])).toEqual([
      [0, ahead.id, 'clock_skew'],
      [2, old.id, 'too_old'],
      [3, good.id, 'conflict'],
      [9, 'x', 'invalid'],
    ]);
    expect(answer.rejected[0]!.detail).toMatch(/^at is (399|400) seconds ahead/);
    expect(await totals('mixed')).toMatchObject({ events: 2, cost: 0.02, daily: 0.02 });
    expect(await deadLetters(ahead.id)).toMatchObject([{ reason: 'clock_skew', payload: { nano: ahead.nano } }]);
    expect(await deadLetters(old.id)).toMatchObject([{ reason: 'too_old' }]);
    expect(await deadLetters(good.id)).toMatchObject([{ reason: 'conflict', payload: { nano: other.nano } }]);
    expect(await deadLetters('x')).toMatchObject([{ reason: 'invalid', payload: { id: 'x' } }]);
  });

  it('keeps the beginning of a dead letter that is too long', async () => {
    const id = randomUUID();
    await agent.ingest(
      [],
      [{ index: 0, id, reason: 'invalid', detail: 'x'.repeat(9_000), payload: { prompt: 'é'.repeat(9_000) } }],
    );
    const [letter] = await deadLetters(id);
    expect(String(letter!['payload'])).toHaveLength(2_000);
    expect(String(letter!['detail'])).toHaveLength(2_000);
  });

  it('treats names as data', async () => {
    const name = `Robert'); drop table kavach.events; -- "%s" {} \\ \u{1F4A3}`;
    await agent.connect(name, [budget({ scope: 'user', name, id: name })]);
    const answer = await agent.ingest([
      callEvent({
        agent: name,
        runId: name,
        user: name,
        tags: [name, '{a,b}', '"', 'null'],
        model: name,
        provider: name,
        prompt: name,
      }),
    ]);
    expect(answer.budgets[0]!.spent).toEqual([{ holder: name, spent: DOLLAR / 100 }]);
    const [row] =
      await fixture.admin`select e.tags, e.prompt, r.run_id from kavach.events e join kavach.runs r on r.id = e.run where e.model = ${name}`;
    expect(row).toEqual({ tags: [name, '{a,b}', '"', 'null'], prompt: name, run_id: name });
  });

  it('cannot be given a NUL byte: the batch is refused before anything is stored', async () => {
    const event = callEvent({ agent: 'nul', prompt: 'a\u0000b' });
    expect(await refusal(agent.ingest([event]))).toMatchObject({ sqlstate: '22P05' });
  });

  it('charges users and tags their own accounts, and shared budgets nothing', async () => {
    await agent.connect('accounts', [
      budget({ id: 'user', scope: 'user', name: 'user' }),
      budget({ id: 'tag', scope: 'tag', name: 'tag', period: 'total' }),
      budget({ id: 'tokens', unit: 'tokens', limit: 10_000 }),
      budget({ id: 'calls', unit: 'calls', limit: 10_000, period: 'hourly' }),
      budget({ id: 'team', scope: 'shared', name: 'team' }),
      budget({ id: 'org', scope: 'org' }),
    ]);
    const answer = await agent.ingest([
      callEvent({ agent: 'accounts', user: 'ann', tags: ['a', 'b', 'a'] }),
      callEvent({ agent: 'accounts', user: 'bob', tags: ['b'], nano: 0, outcome: 'released', tokens: 0, calls: 1 }),
      callEvent({ agent: 'accounts' }),
    ]);
    const cent = DOLLAR / 100;
    expect(answer.budgets.map(({ spent }) => spent)).toHaveLength(4);
    const { budgets } = await agent.connect('accounts', [
      budget({ id: 'user', scope: 'user', name: 'user' }),
      budget({ id: 'tag', scope: 'tag', name: 'tag', period: 'total' }),
      budget({ id: 'tokens', unit: 'tokens', limit: 10_000 }),
      budget({ id: 'calls', unit: 'calls', limit: 10_000, period: 'hourly' }),
      budget({ id: 'team', scope: 'shared', name: 'team' }),
      budget({ id: 'org', scope: 'org' }),
    ]);
    expect(budgets.map(({ id, spent }) => [id, spent.map(({ holder, spent: amount }) => [holder, amount])])).toEqual([
      ['user', [['', cent], ['ann', cent]]],
      ['tag', [['a', cent], ['b', cent]]],
      ['tokens', [['', 200]]],
      ['calls', [['', 3]]],
      ['team', []],
      ['org', []],
    ]); // prettier-ignore
  });

  it('charges the window in which the call started', async () => {
    await agent.connect('border', [budget({ period: 'hourly' })]);
    const now = Date.now();
    const startedAt = now - 3_600_000;
    const answer = await agent.ingest([callEvent({ agent: 'border', at: now, startedAt, nano: DOLLAR })]);
    expect(answer.budgets[0]!.spent).toEqual([]);
    const windows = await fixture.admin`
      select w.spent::float8, (extract(epoch from w.window_start) * 1000)::float8 as start from kavach.budget_windows w
      join kavach.budgets b on b.id = w.budget_id join kavach.agents a on a.id = b.agent_id where a.name = 'border'`;
    expect([...windows]).toEqual([{ spent: 1, start: Math.floor(startedAt / 3_600_000) * 3_600_000 }]);
    // A start behind the end, or long before it, is a clock that was set.
    await agent.ingest([
      callEvent({ agent: 'border', at: now, startedAt: now + 9_999_999 }),
      callEvent({ agent: 'border', at: now, startedAt: 0 }),
    ]);
    const [row] = await fixture.admin`
      select min(at - started_at) as least, max(at - started_at) = interval '30 days' as capped from kavach.events e
      join kavach.agents a on a.id = e.agent_id where a.name = 'border'`;
    expect(row).toMatchObject({ capped: true });
  });

  it('stores what comes on a day for which nobody has made a partition', async () => {
    await fixture.admin.unsafe(`
      do $$ declare t text; begin
        for t in select inhrelid::regclass::text from pg_inherits where inhparent = 'kavach.events'::regclass
          and inhrelid::regclass::text >= 'private.events_' || to_char(now() at time zone 'UTC', 'YYYYMMDD')
        loop execute 'drop table ' || t; end loop;
      end $$`);
    const answers = await Promise.all([1, 2, 3].map(() => agent.ingest([callEvent({ agent: 'partition' })])));
    expect(answers.map(({ accepted }) => accepted)).toEqual([1, 1, 1]);
  });

  it('does not deadlock when batches share agents, runs, models and holders in every order', async () => {
    const names = ['d1', 'd2', 'd3', 'd4'];
    const declared = [budget({ limit: 9_000 * DOLLAR }), budget({ id: 'u', scope: 'user', name: 'u', period: 'monthly' }), budget({ id: 't', scope: 'tag', name: 't', period: 'total' })]; // prettier-ignore
    await Promise.all(names.map((name) => agent.connect(name, declared)));
    const batches = Array.from({ length: 32 }, (_, i) => {
      const events = Array.from({ length: 60 }, (_, j) =>
        j % 15 === 14
          ? { type: 'kill', id: randomUUID(), agent: names[j % 4]!, runId: `r${j % 7}`, at: Date.now(), code: 'cost' }
          : callEvent({
              agent: names[j % 4]!,
              runId: `r${j % 7}`,
              model: `m${j % 5}`,
              user: `u${j % 6}`,
              tags: [`t${j % 3}`],
            }),
      );
      return i % 2 === 0 ? events : events.toReversed();
    });
    const answers = await Promise.all([
      ...batches.map((batch) => agent.ingest(batch)),
      ...names.map((name) => agent.connect(name, [...declared, budget({ limit: 8_000 * DOLLAR })])),
    ]);
    expect(answers).toHaveLength(36);
    expect((await totals('d1'))['events']).toBe(32 * 15);
  });

  it('refuses a batch above a thousand events', async () => {
    const events = Array.from({ length: 1_001 }, () => callEvent());
    expect(await refusal(agent.ingest(events))).toMatchObject({ sqlstate: 'KA413', code: 'batch_too_large' });
  });
});

describe('the limits of a plan', () => {
  async function smallOrg(): Promise<{ org: string; small: AgentCalls }> {
    const org = await cell<string>(
      fixture.admin`insert into kavach.organizations (name) values ('Small') returning id`,
    );
    return { org, small: new AgentCalls(fixture, org) };
  }

  it('ends at the events of a day, which duplicates do not use up', async () => {
    const { org, small } = await smallOrg();
    const event = callEvent();
    await small.ingest([event], [{ index: 1, id: null, reason: 'invalid', detail: 'x', payload: null }]);
    await small.ingest([event]);
    const owner = await fixture.member(org, 'owner');
    expect(await fixture.call(owner, (sql) => sql`select private.events_today(${org})`)).toBe(2n);
    await fixture.admin`update kavach.rate_counters set count = 9999 where org_id = ${org} and bucket = 'events'`;
    expect(await small.ingest([callEvent()])).toMatchObject({ accepted: 1 });
    const denied = await refusal(small.ingest([callEvent()]));
    expect(denied).toMatchObject({
      sqlstate: 'KA429',
      code: 'daily_limit',
      detail: { reason: 'daily_limit', limit: 10_000, plan: 'free' },
    });
    expect(denied.detail['retryAfterSeconds']).toBeGreaterThan(0);
    expect(denied.detail['retryAfterSeconds']).toBeLessThanOrEqual(86_400);
    await fixture.admin`update kavach.organizations set plan_id = 'pro' where id = ${org}`;
    expect(await small.ingest([callEvent()])).toMatchObject({ accepted: 1 });
  });

  it('refuses agents beyond the plan, and keeps the events of the others', async () => {
    const { small } = await smallOrg();
    await small.ingest(['a', 'b', 'c'].map((agent) => callEvent({ agent })));
    const answer = await small.ingest([callEvent({ agent: 'd' }), callEvent({ agent: 'a' })]);
    expect(answer).toMatchObject({ accepted: 1, rejected: [{ index: 0, reason: 'invalid' }] });
    expect(answer.rejected[0]!.detail).toContain('tier_agent_limit');
    expect(await refusal(small.ingest([callEvent({ agent: 'd' })]))).toMatchObject({
      sqlstate: 'KA403',
      code: 'tier_agent_limit',
    });
  });
});
