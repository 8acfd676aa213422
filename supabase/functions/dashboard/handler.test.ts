import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hono } from 'hono';
import { startFixture, type Fixture } from '../_operator/testing/fixture.ts';
import { addAgent, addBudget } from '../_operator/testing/records.ts';
import type { Overview } from './overview.ts';
import type { Stats } from './stats.ts';
import { handler } from './handler.ts';

/** A Tuesday, in the middle of an hour. */
const NOW = Date.parse('2026-11-24T12:30:00Z');

let fixture: Fixture;
let app: Hono;
beforeAll(async () => {
  fixture = await startFixture();
  app = handler({ ...fixture.deps, now: () => NOW });
  const { sql, acme, rival } = fixture;
  const bot = await addAgent(sql, acme.id, 'bot');
  const idle = await addAgent(sql, acme.id, 'idle');
  const spy = await addAgent(sql, rival.id, 'spy');
  await sql`update kavach.agents set killed = true where id = ${idle}`;
  const spend = async (org: string, agent: string, at: string, model: string, cost: string, estimated: string) => {
    for (const [table, bucket] of [
      ['hourly_spend', at],
      ['daily_spend', `${at.slice(0, 10)}T00:00:00Z`],
    ] as const) {
      await sql`
        insert into kavach.${sql(table)} as s
          (org_id, agent_id, bucket, provider, model, cost, calls, tokens, input_tokens, output_tokens, estimated_cost)
        values (${org}, ${agent}, ${bucket}, 'openai', ${model}, ${cost}, 2, 30, 20, 10, ${estimated})
        on conflict (org_id, agent_id, bucket, provider, model) do update set cost = s.cost + excluded.cost,
          calls = s.calls + 2, tokens = s.tokens + 30, input_tokens = s.input_tokens + 20,
          output_tokens = s.output_tokens + 10, estimated_cost = s.estimated_cost + excluded.estimated_cost`;
    }
  };
  await spend(acme.id, bot, '2026-11-24T12:00:00Z', 'gpt-4o', '0.000000001', '0');
  await spend(acme.id, bot, '2026-11-24T09:00:00Z', 'gpt-4o', '0.1', '0.05');
  await spend(acme.id, bot, '2026-11-22T09:00:00Z', 'gpt-4o-mini', '0.2', '0');
  await spend(acme.id, bot, '2026-09-01T09:00:00Z', 'gpt-4o-mini', '5', '0');
  await spend(rival.id, spy, '2026-11-24T12:00:00Z', 'gpt-4o', '77', '0');
  const budget = await addBudget(sql, acme.id, { scope: 'org', limit: 10 });
  await sql`
    insert into kavach.dead_letters (org_id, reason, detail) values (${acme.id}, 'invalid', 'x'), (${rival.id}, 'invalid', 'y')`;
  expect(budget).toBeTypeOf('string');
});
afterAll(() => fixture[Symbol.asyncDispose]());

describe('GET /dashboard/overview', () => {
  it('shows the last 30 days, every day of them', async () => {
    const { send, acme } = fixture;
    for (const as of [acme.member, acme.keys.read]) {
      const { status, body } = await send<Overview>(app, 'GET /dashboard/overview', { as });
      expect(status).toBe(200);
      expect(body).toMatchObject({
        from: '2026-10-26T00:00:00.000Z',
        to: '2026-11-25T00:00:00.000Z',
        granularity: 'day',
        totals: { cost: 0.300000001, estimatedCost: 0.05, calls: 6, tokens: 90, inputTokens: 60, outputTokens: 30 },
        byAgent: [{ agent: 'bot', cost: 0.300000001 }],
        byModel: [
          { provider: 'openai', model: 'gpt-4o-mini', cost: 0.2 },
          { provider: 'openai', model: 'gpt-4o', cost: 0.100000001 },
        ],
        agents: { total: 2, active: 1, killed: 1 },
      });
      expect(body.totals.estimatedShare).toBeCloseTo(1 / 6, 6);
      expect(body.series).toHaveLength(30);
      expect(body.series.at(-1)).toMatchObject({ at: '2026-11-24T00:00:00.000Z', cost: 0.100000001, calls: 4 });
      expect(body.series.at(-2)).toMatchObject({ at: '2026-11-23T00:00:00.000Z', cost: 0, calls: 0 });
      expect(body.series.at(-3)).toMatchObject({ cost: 0.2 });
    }
  });

  it('shows hours, and any stretch of time', async () => {
    const { send, acme } = fixture;
    const hours = await send<Overview>(app, 'GET /dashboard/overview?granularity=hour', { as: acme.member });
    expect(hours.body).toMatchObject({ from: '2026-11-22T13:00:00.000Z', to: '2026-11-24T13:00:00.000Z' });
    expect(hours.body.series).toHaveLength(48);
    expect(hours.body.totals.cost).toBe(0.100000001);
    const morning = await send(
      app,
      'GET /dashboard/overview?granularity=hour&from=2026-11-24T09:15:00Z&to=2026-11-24T11:00:00%2B01:00',
      { as: acme.member },
    );
    expect(morning.body).toMatchObject({
      from: '2026-11-24T09:00:00.000Z',
      to: '2026-11-24T10:00:00.000Z',
      series: [{ cost: 0.1, estimatedCost: 0.05 }],
      totals: { estimatedShare: 0.5 },
    });
    const long = await send<Overview>(app, 'GET /dashboard/overview?from=2026-08-01T00:00:00Z', { as: acme.member });
    expect(long.body.totals.cost).toBe(5.300000001);
    const none = await send<Overview>(
      app,
      'GET /dashboard/overview?from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z',
      {
        as: acme.member,
      },
    );
    expect(none.body).toMatchObject({ totals: { cost: 0, estimatedShare: 0 }, byAgent: [], byModel: [] });
    expect(none.body.series).toHaveLength(2);
  });

  it('refuses stretches that are empty, too long or no times', async () => {
    const { send, acme } = fixture;
    for (const query of [
      'from=2026-11-24T00:00:00Z&to=2026-11-24T00:00:00Z',
      'from=2027-11-24T00:00:00Z',
      'from=2024-11-24T00:00:00Z',
      'granularity=hour&from=2026-10-01T00:00:00Z',
      'granularity=minute',
      'from=yesterday',
      'from=2026-11-24',
      'since=2026-11-24T00:00:00Z',
    ]) {
      const { status, body } = await send(app, `GET /dashboard/overview?${query}`, { as: acme.member });
      expect(body.error, query).toMatchObject({ code: 'invalid', details: [{ message: expect.any(String) }] });
      expect(status).toBe(422);
    }
  });
});

describe('GET /dashboard/stats', () => {
  it('sums up the organisation, and it alone', async () => {
    const { send, acme, rival } = fixture;
    const { status, body } = await send(app, 'GET /dashboard/stats', { as: acme.member });
    expect(status).toBe(200);
    expect(body).toEqual({
      organisation: { id: acme.id, name: 'acme', plan: 'max' },
      agents: { total: 2, killed: 1, limit: null },
      spend: { cost: 5.300000001, calls: 8, tokens: 120 },
      events: { today: 0, limit: null },
      leases: { open: 0 },
      deadLetters: { total: 1, lastAt: expect.stringMatching(/Z$/) },
    });
    const theirs = await send(app, 'GET /dashboard/stats', { as: rival.keys.read });
    expect(theirs.body).toMatchObject({ organisation: { id: rival.id }, agents: { total: 1 }, spend: { cost: 77 } });
  });

  it('counts today’s events as the plan does', async () => {
    const { send, acme, sql } = fixture;
    await sql`select private.count_use(${acme.id}, 'events', date_trunc('day', now(), 'UTC'), 41)`;
    const { body } = await send<Stats>(app, 'GET /dashboard/stats', { as: acme.owner });
    expect(body.events).toEqual({ today: 41, limit: null });
    await sql`update kavach.organizations set plan_id = 'free' where id = ${acme.id}`;
    const free = await send(app, 'GET /dashboard/stats', { as: acme.owner });
    expect(free.body).toMatchObject({ events: { today: 41, limit: 10_000 }, agents: { limit: 3 } });
    await sql`update kavach.organizations set plan_id = 'max' where id = ${acme.id}`;
  });
});

describe('who may', () => {
  it('needs the scope read', async () => {
    const { send, acme, rival } = fixture;
    for (const path of ['/dashboard/overview', '/dashboard/stats']) {
      expect((await send(app, `GET ${path}`)).status).toBe(401);
      for (const as of [acme.keys.sdk, acme.keys.control]) {
        expect((await send(app, `GET ${path}`, { as })).status).toBe(403);
      }
      const other = await send(app, `GET ${path}`, { as: acme.owner, headers: { 'x-kavach-org': rival.id } });
      expect(other.status).toBe(404);
      expect((await send(app, `POST ${path}`, { as: acme.owner })).status).toBe(405);
    }
    const outsider = await fixture.person('new@nowhere.example');
    expect(await send(app, 'GET /dashboard/stats', { as: outsider.token })).toMatchObject({
      status: 409,
      body: { error: { code: 'organization_required' } },
    });
  });

  it('lets a person of two organisations choose', async () => {
    const { send, acme, rival, sql } = fixture;
    const both = await fixture.person('both@nowhere.example');
    for (const { id } of [acme, rival])
      await sql`insert into kavach.members (org_id, user_id) values (${id}, ${both.id})`;
    expect((await send(app, 'GET /dashboard/stats', { as: both.token })).status).toBe(409);
    const chosen = await send<Stats>(app, 'GET /dashboard/stats', {
      as: both.token,
      headers: { 'x-kavach-org': rival.id },
    });
    expect(chosen.body.organisation.id).toBe(rival.id);
  });
});
