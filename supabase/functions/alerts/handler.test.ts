import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hono } from 'hono';
import { startFixture, type Answer, type Fixture } from '../_operator/testing/fixture.ts';
import { addAgent, addBudget } from '../_operator/testing/records.ts';
import type { Page } from '../_operator/page.ts';
import type { AlertView } from './history.ts';
import type { RuleView } from './rule.ts';
import { handler } from './handler.ts';

const SLACK = 'https://hooks.slack.com/services/T00000000/B00000000/abcdefghijklmnopqrstWXYZ';
const ROUTING_KEY = 'R0123456789abcdef0123456789abcd9';
const SECRET = `whsec_${btoa('0123456789abcdef01234567')}`;

let fixture: Fixture;
let app: Hono;
let bot: string;
let budget: string;
let theirBudget: string;
beforeAll(async () => {
  fixture = await startFixture();
  app = handler(fixture.deps);
  const { sql, acme, rival } = fixture;
  bot = await addAgent(sql, acme.id, 'bot');
  budget = await addBudget(sql, acme.id, { agentId: bot, limit: 10 });
  await addAgent(sql, rival.id, 'spy');
  theirBudget = await addBudget(sql, rival.id, { scope: 'org', limit: 10 });
});
afterAll(() => fixture[Symbol.asyncDispose]());

const create = (as: string, body: object): Promise<Answer<RuleView>> =>
  fixture.send(app, 'POST /alerts/rules', { as, body });

describe('POST /alerts/rules', () => {
  it('keeps a rule, and never shows its secrets again', async () => {
    const { send, acme, sql } = fixture;
    const made = await create(acme.owner, { channel: 'slack', target: { webhookUrl: SLACK }, threshold: 0.7 });
    expect(made).toMatchObject({
      status: 201,
      body: {
        agent: null,
        budget: null,
        threshold: 0.7,
        channel: 'slack',
        target: { webhookUrl: '…WXYZ' },
        template: null,
        cooldownSeconds: 300,
        enabled: true,
      },
    });
    const more = [
      [{ channel: 'pagerduty', target: { routingKey: ROUTING_KEY }, threshold: 0.9 }, { routingKey: '…bcd9' }],
      [
        {
          channel: 'webhook',
          target: { url: 'https://hooks.example/kavach?token=s3cret', secret: SECRET },
          threshold: 1,
        },
        { url: '…cret', secret: `…${SECRET.slice(-4)}` },
      ],
      [{ channel: 'email', target: { to: 'ops@acme.example' }, threshold: 1 }, { to: 'ops@acme.example' }],
      [{ channel: 'kill', threshold: 1, agent: 'bot', budget }, {}],
    ] as const;
    for (const [rule, target] of more) {
      const answer = await create(acme.keys.admin, rule);
      expect(answer).toMatchObject({ status: 201, body: { target } });
    }
    const listed = await send<Page<RuleView>>(app, 'GET /alerts/rules', { as: acme.member });
    expect(listed.body.items).toHaveLength(5);
    const text = JSON.stringify(listed.body);
    for (const secret of [SLACK, ROUTING_KEY, SECRET, 's3cret', 'abcdefghijkl']) expect(text).not.toContain(secret);
    const [stored] = await sql`select target from kavach.alert_rules where id = ${made.body.id}`;
    expect(stored).toEqual({ target: { webhookUrl: SLACK } });
  });

  it('takes targets that fit their channel and lead outside only', async () => {
    const { acme } = fixture;
    const webhook = (url: string) => [{ channel: 'webhook', target: { url } }, 'target.url'] as const;
    for (const [rule, path] of [
      [{ channel: 'slack', target: {} }, 'target.webhookUrl'],
      [{ channel: 'slack', target: { webhookUrl: SLACK, extra: 1 } }, 'target'],
      [{ channel: 'pagerduty', target: { routingKey: 'short' } }, 'target.routingKey'],
      [{ channel: 'email', target: { to: 'nobody' } }, 'target.to'],
      [{ channel: 'kill', target: { to: 'x' } }, 'target'],
      webhook('http://hooks.example/'),
      webhook('https://user:pass@hooks.example/'),
      webhook('https://127.0.0.1/'),
      webhook('https://localhost:8443/'),
      webhook('https://[::1]/'),
      webhook('https://2130706433/'),
      webhook('https://0x7f.1/'),
      webhook('https://169.254.169.254/latest/meta-data'),
      webhook('https://metadata.google.internal/'),
      webhook('https://metadata.google.internal./'),
      webhook('https://localhost./'),
      webhook('https://localhost%2e/'),
      webhook('https://kubernetes.default.svc/'),
      webhook('https://intranet/'),
      webhook('file:///etc/passwd'),
      [{ channel: 'webhook', target: { url: 'https://hooks.example/', secret: 'short' } }, 'target.secret'],
    ] as const) {
      const { status, body } = await create(acme.owner, { threshold: 0.5, ...rule });
      expect(body.error, JSON.stringify(rule)).toMatchObject({ code: 'invalid', details: [{ path }] });
      expect(status).toBe(422);
    }
  });

  it('lets a backend on this machine post to this machine', async () => {
    const local = handler({
      ...fixture.deps,
      settings: { ...fixture.deps.settings, supabaseUrl: 'http://127.0.0.1:54321' },
    });
    const rule = (url: string) => ({ channel: 'webhook', target: { url }, threshold: 0.5 });
    const as = fixture.acme.owner;
    const near = await fixture.send(local, 'POST /alerts/rules', { as, body: rule('http://127.0.0.1:9000/hook') });
    expect(near.status).toBe(201);
    const far = await fixture.send(local, 'POST /alerts/rules', { as, body: rule('http://hooks.example/') });
    expect(far.status).toBe(422);
  });

  it('refuses what is wrong, by its name, and what is not the organisation’s', async () => {
    const { acme } = fixture;
    const rule = { channel: 'kill', threshold: 1 };
    for (const [body, path] of [
      [{ ...rule, threshold: 0 }, 'threshold'],
      [{ ...rule, threshold: 1.01 }, 'threshold'],
      [{ ...rule, channel: 'sms' }, 'channel'],
      [{ ...rule, cooldownSeconds: -1 }, 'cooldownSeconds'],
      [{ ...rule, template: 'x'.repeat(4_001) }, 'template'],
      [{ ...rule, template: { text: 'x'.repeat(8_000) } }, 'template'],
      [{ ...rule, org_id: acme.id }, ''],
    ] as const) {
      expect((await create(acme.owner, body)).body.error).toMatchObject({ code: 'invalid', details: [{ path }] });
    }
    expect(await create(acme.owner, { ...rule, agent: 'spy' })).toMatchObject({
      status: 404,
      body: { error: { code: 'agent_not_found' } },
    });
    expect(await create(acme.owner, { ...rule, budget: theirBudget })).toMatchObject({
      status: 404,
      body: { error: { code: 'budget_not_found' } },
    });
  });
});

describe('PATCH and DELETE /alerts/rules/:id', () => {
  it('change what they name and leave the rest', async () => {
    const { send, acme } = fixture;
    const made = await create(acme.owner, {
      channel: 'slack',
      target: { webhookUrl: SLACK },
      threshold: 0.8,
      template: { text: '{agent_name} at {pct}' },
    });
    const path = `/alerts/rules/${made.body.id}`;
    const changed = await send(app, `PATCH ${path}`, {
      as: acme.owner,
      body: { enabled: false, threshold: 0.85, cooldownSeconds: 0 },
    });
    expect(changed).toMatchObject({
      status: 200,
      body: { ...made.body, enabled: false, threshold: 0.85, cooldownSeconds: 0 },
    });
    const moved = await send(app, `PATCH ${path}`, {
      as: acme.owner,
      body: { target: { webhookUrl: `${SLACK}5` }, template: null },
    });
    expect(moved.body).toMatchObject({ target: { webhookUrl: '…XYZ5' }, template: null, enabled: false });
    for (const body of [{}, { target: { to: 'x@y.example' } }, { channel: 'kill' }]) {
      expect((await send(app, `PATCH ${path}`, { as: acme.owner, body })).status).toBe(422);
    }
    expect((await send(app, `GET ${path}`, { as: acme.member })).body).toEqual(moved.body);
    expect((await send(app, `DELETE ${path}`, { as: acme.owner })).status).toBe(204);
    expect((await send(app, `GET ${path}`, { as: acme.owner })).status).toBe(404);
  });

  it('are for admins of the organisation', async () => {
    const { send, acme, rival, sql } = fixture;
    const made = await create(acme.owner, { channel: 'kill', threshold: 1 });
    const path = `/alerts/rules/${made.body.id}`;
    const body = { enabled: false };
    expect((await send(app, 'GET /alerts/rules')).status).toBe(401);
    expect((await send(app, 'POST /alerts/rules', { body: { channel: 'kill', threshold: 1 } })).status).toBe(401);
    expect((await send(app, `PATCH ${path}`, { body })).status).toBe(401);
    expect((await send(app, `DELETE ${path}`)).status).toBe(401);
    for (const as of [acme.member, acme.keys.read, acme.keys.control, acme.keys.sdk]) {
      expect((await create(as, { channel: 'kill', threshold: 1 })).status).toBe(403);
      expect((await send(app, `PATCH ${path}`, { as, body })).status).toBe(403);
      expect((await send(app, `DELETE ${path}`, { as })).status).toBe(403);
    }
    expect((await send(app, 'GET /alerts/rules', { as: acme.keys.sdk })).status).toBe(403);
    for (const as of [rival.owner, rival.keys.admin]) {
      for (const [method, sent] of [['GET'], ['PATCH', body], ['DELETE']] as const) {
        expect(await send(app, `${method} ${path}`, { as, ...(sent ? { body: sent } : {}) })).toMatchObject({
          status: 404,
          body: { error: { code: 'rule_not_found' } },
        });
      }
      expect((await send(app, 'GET /alerts/rules', { as })).body).toMatchObject({ items: [] });
    }
    expect((await send(app, `GET /alerts/rules/${randomUUID()}`, { as: acme.owner })).status).toBe(404);
    const [kept] = await sql`select enabled from kavach.alert_rules where id = ${made.body.id}`;
    expect(kept).toEqual({ enabled: true });
  });
});

describe('GET /alerts/history', () => {
  it('tells what was told, newest first', async () => {
    const { send, acme, rival, sql } = fixture;
    for (const [n, state] of (['sent', 'failed', 'pending'] as const).entries()) {
      await sql`
        insert into kavach.alert_events
          (org_id, agent_id, budget_id, holder, window_start, threshold, spent, limit_amount, state, created_at)
        values (${acme.id}, ${bot}, ${budget}, ${n === 0 ? 'ada' : ''}, '-infinity', ${0.7 + n / 10}, ${7 + n}, 10, ${state},
          now() - make_interval(mins => ${10 - n}))`;
    }
    await sql`
      insert into kavach.alert_events (org_id, budget_id, window_start, threshold, spent, limit_amount)
      values (${rival.id}, ${theirBudget}, now(), 1, 10, 10)`;
    const first = await send<Page<AlertView>>(app, 'GET /alerts/history?limit=2', { as: acme.member });
    expect(first.body.items).toMatchObject([
      { threshold: 0.9, state: 'pending', nextAttemptAt: expect.any(String), holder: null, agent: 'bot', budget },
      { threshold: 0.8, state: 'failed', nextAttemptAt: null, spent: 8, limit: 10, unit: 'usd', period: 'daily' },
    ]);
    const second = await send(app, `GET /alerts/history?limit=2&cursor=${first.body.nextCursor}`, { as: acme.member });
    expect(second.body).toMatchObject({
      items: [{ threshold: 0.7, state: 'sent', holder: 'ada', windowStart: null }],
      nextCursor: null,
    });
    const failed = await send<Page<AlertView>>(app, 'GET /alerts/history?state=failed&agent=bot', {
      as: acme.keys.read,
    });
    expect(failed.body.items).toHaveLength(1);
    expect((await send(app, 'GET /alerts/history?agent=spy', { as: acme.owner })).body).toMatchObject({ items: [] });
    const theirs = await send<Page<AlertView>>(app, 'GET /alerts/history', { as: rival.member });
    expect(theirs.body.items).toMatchObject([{ agent: null }]);
  });

  it('is not for nobody, nor without the scope', async () => {
    const { send, acme } = fixture;
    expect((await send(app, 'GET /alerts/history')).status).toBe(401);
    expect((await send(app, 'GET /alerts/history', { as: acme.keys.sdk })).status).toBe(403);
    expect((await send(app, 'GET /alerts/history?state=lost', { as: acme.owner })).status).toBe(422);
  });
});
