/** A person of two organisations: row level security shows both, so each path must keep to the one that is asked for. */
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handler as agents } from '../agents/handler.ts';
import { handler as alerts } from '../alerts/handler.ts';
import { handler as billing } from '../billing/handler.ts';
import { handler as budgets } from '../budgets/handler.ts';
import { handler as dashboard } from '../dashboard/handler.ts';
import type { Overview } from '../dashboard/overview.ts';
import type { Stats } from '../dashboard/stats.ts';
import { handler as keys } from '../keys/handler.ts';
import { handler as runs } from '../runs/handler.ts';
import { startFixture, type Answer, type Fixture } from './testing/fixture.ts';
import { addAgent, addBudget, addCall, addRun } from './testing/records.ts';

let fixture: Fixture;
let both: string;
const apps: Record<string, Hono> = {};
const theirs = { run: '', budget: '', rule: '', key: '' };

beforeAll(async () => {
  fixture = await startFixture();
  const { deps, sql, acme, rival } = fixture;
  Object.assign(apps, {
    agents: agents(deps),
    alerts: alerts(deps),
    billing: billing(deps),
    budgets: budgets(deps),
    dashboard: dashboard(deps),
    keys: keys(deps),
    runs: runs(deps),
  });
  const person = await fixture.person('both@example.com');
  both = person.token;
  for (const { id } of [acme, rival]) {
    await sql`insert into kavach.members (org_id, user_id, role) values (${id}, ${person.id}, 'admin')`;
  }
  const agent = await addAgent(sql, rival.id, 'secret-agent');
  theirs.run = await addRun(sql, rival.id, agent, { runId: 'secret-run', startedAt: new Date() });
  await addCall(sql, rival.id, agent, { run: theirs.run, at: new Date(), prompt: 'secret-prompt' });
  theirs.budget = await addBudget(sql, rival.id, { agentId: agent, limit: 5, name: 'secret-budget' });
  const [rule] = await sql<{ id: string }[]>`
    insert into kavach.alert_rules (org_id, threshold, channel, target)
    values (${rival.id}, 1, 'email', '{"to":"secret@rival.example"}') returning id`;
  theirs.rule = rule!.id;
  const [key] = await sql<{ id: string }[]>`select id from kavach.api_keys where org_id = ${rival.id} limit 1`;
  theirs.key = key!.id;
  await sql`
    insert into kavach.alert_events (org_id, agent_id, budget_id, window_start, threshold, spent, limit_amount)
    values (${rival.id}, ${agent}, ${theirs.budget}, now(), 1, 5, 5)`;
  await sql`
    insert into kavach.daily_spend (org_id, agent_id, bucket, provider, model, cost)
    values (${rival.id}, ${agent}, date_trunc('day', now(), 'UTC'), 'openai', 'secret-model', 4711)`;
  await sql`insert into kavach.dead_letters (org_id, reason, detail) values (${rival.id}, 'invalid', 'secret')`;
  await sql`insert into kavach.subscriptions (org_id, plan_id, status) values (${rival.id}, 'pro', 'secret-status')`;
});
afterAll(() => fixture[Symbol.asyncDispose]());

const inAcme = <T>(request: string, body?: unknown): Promise<Answer<T>> => {
  const app = apps[request.split(/[/?]/)[1]!]!;
  const headers = { 'x-kavach-org': fixture.acme.id };
  return fixture.send<T>(app, request, { as: both, headers, ...(body === undefined ? {} : { body }) });
};

describe('in one of two organisations', () => {
  it('nothing of the other is listed', async () => {
    for (const path of [
      '/agents',
      '/budgets',
      '/budgets?agent=secret-agent',
      '/alerts/rules',
      '/alerts/history',
      '/keys',
      '/billing/plan',
      '/dashboard/overview',
      '/dashboard/stats',
    ]) {
      const { status, body } = await inAcme(`GET ${path}`);
      expect(status, path).toBe(200);
      const shown = JSON.stringify(body);
      for (const secret of [...Object.values(theirs), 'secret', '4711', 'rival']) {
        expect(shown, path).not.toContain(secret);
      }
    }
  });

  it('nothing of the other is counted', async () => {
    const { body } = await inAcme<Overview>('GET /dashboard/overview');
    expect(body.agents).toEqual({ total: 0, active: 0, killed: 0 });
    const { body: stats } = await inAcme<Stats>('GET /dashboard/stats');
    expect(stats).toMatchObject({ agents: { total: 0 }, spend: { cost: 0 }, deadLetters: { total: 0 } });
  });

  it('nothing of the other is found or changed by its name', async () => {
    for (const [request, body] of [
      ['GET /agents/secret-agent'],
      ['GET /agents/secret-agent/runs'],
      ['GET /agents/secret-agent/events'],
      ['POST /agents/secret-agent/kill'],
      ['POST /agents/secret-agent/resume'],
      [`GET /runs/${theirs.run}`],
      [`GET /runs/${theirs.run}/events`],
      [`GET /budgets/${theirs.budget}`],
      [`PATCH /budgets/${theirs.budget}`, { limit: 1 }],
      [`DELETE /budgets/${theirs.budget}`],
      ['POST /budgets', { agent: 'secret-agent', period: 'total', limit: 1 }],
      [`GET /alerts/rules/${theirs.rule}`],
      [`PATCH /alerts/rules/${theirs.rule}`, { enabled: false }],
      [`DELETE /alerts/rules/${theirs.rule}`],
      ['POST /alerts/rules', { channel: 'kill', threshold: 1, budget: theirs.budget }],
      [`DELETE /keys/${theirs.key}`],
      [`POST /keys/${theirs.key}/rotate`],
    ] as const) {
      expect((await inAcme(request, body)).status, request).toBe(404);
    }
    const { sql, rival } = fixture;
    const [state] = await sql`
      select (select bool_or(killed) from kavach.agents where org_id = ${rival.id}) as killed,
        (select limit_amount::float8 from kavach.budgets where id = ${theirs.budget}) as "limit",
        (select enabled from kavach.alert_rules where id = ${theirs.rule}) as enabled,
        (select revoked_at from kavach.api_keys where id = ${theirs.key}) as revoked,
        (select count(*)::int from kavach.api_keys where org_id = ${rival.id}) as keys`;
    expect(state).toEqual({ killed: false, limit: 5, enabled: true, revoked: null, keys: 4 });
  });
});
