import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hono } from 'hono';
import { startFixture, type Answer, type Fixture } from '../_operator/testing/fixture.ts';
import { addAgent, addBudget } from '../_operator/testing/records.ts';
import type { BudgetView } from '../_operator/budget-list.ts';
import type { Page } from '../_operator/page.ts';
import { handler } from './handler.ts';

let fixture: Fixture;
let app: Hono;
let bot: string;
let theirs: string;
beforeAll(async () => {
  fixture = await startFixture();
  app = handler(fixture.deps);
  const { sql, acme, rival } = fixture;
  bot = await addAgent(sql, acme.id, 'bot');
  await addAgent(sql, rival.id, 'spy');
  theirs = await addBudget(sql, rival.id, { scope: 'org', limit: 7, period: 'monthly' });
});
afterAll(() => fixture[Symbol.asyncDispose]());

const create = (as: string, body: object): Promise<Answer<BudgetView>> =>
  fixture.send(app, 'POST /budgets', { as, body });

describe('POST /budgets', () => {
  it('makes budgets that operators manage', async () => {
    const { acme } = fixture;
    const made = await create(acme.owner, {
      agent: 'bot',
      period: 'daily',
      limit: 0.123456789,
      timeZone: 'Europe/Berlin',
    });
    expect(made).toMatchObject({
      status: 201,
      body: {
        agent: 'bot',
        scope: 'agent',
        name: null,
        unit: 'usd',
        period: 'daily',
        timeZone: 'Europe/Berlin',
        limit: 0.123456789,
        declaredLimit: null,
        managedBy: 'operator',
        spent: 0,
        estimated: 0,
        leased: 0,
        remaining: 0.123456789,
        holder: null,
        holders: 0,
      },
    });
    expect(Date.parse(made.body.windowEnd!)).toBeGreaterThan(Date.now());
    const shared = await create(acme.keys.admin, { scope: 'shared', name: 'team', period: 'total', limit: 200 });
    expect(shared).toMatchObject({
      status: 201,
      body: { agent: null, name: 'team', windowStart: null, windowEnd: null },
    });
    const org = await create(acme.owner, { scope: 'org', unit: 'tokens', period: 'monthly', limit: 1e9 });
    expect(org).toMatchObject({ status: 201, body: { unit: 'tokens', limit: 1e9 } });
    for (const again of [
      { agent: 'bot', period: 'daily', limit: 3, timeZone: 'Europe/Berlin' },
      { scope: 'shared', name: 'team', period: 'total', limit: 3 },
      { scope: 'org', period: 'monthly', limit: 3 },
    ]) {
      expect(await create(acme.owner, again)).toMatchObject({
        status: 409,
        body: { error: { code: 'budget_exists' } },
      });
    }
  });

  it('refuses what can not be, by its name', async () => {
    const { acme } = fixture;
    const daily = { agent: 'bot', period: 'daily' };
    for (const [body, path] of [
      [{ ...daily }, 'limit'],
      [{ ...daily, limit: 0 }, 'limit'],
      [{ ...daily, limit: 9_000_001 }, 'limit'],
      [{ ...daily, limit: 1.5, unit: 'calls' }, 'limit'],
      [{ ...daily, limit: 1, period: 'yearly' }, 'period'],
      [{ ...daily, limit: 1, timeZone: 'Mars/Base' }, 'timeZone'],
      [{ ...daily, limit: 1, timeZone: '+02:00' }, 'timeZone'],
      [{ period: 'daily', limit: 1 }, 'agent'],
      [{ ...daily, scope: 'org', limit: 1 }, 'agent'],
      [{ scope: 'org', name: 'x', period: 'daily', limit: 1 }, 'name'],
      [{ scope: 'shared', period: 'daily', limit: 1 }, 'name'],
      [{ ...daily, limit: 1, managedBy: 'code' }, ''],
    ] as const) {
      const { status, body: answer } = await create(acme.owner, body);
      expect(answer.error).toMatchObject({ code: 'invalid', details: [{ path }] });
      expect(status).toBe(422);
    }
    expect(await create(acme.owner, { agent: 'spy', period: 'daily', limit: 1 })).toMatchObject({
      status: 404,
      body: { error: { code: 'agent_not_found' } },
    });
  });
});

describe('GET /budgets', () => {
  it('lists each once, page by page, and narrows to an agent', async () => {
    const { send, acme, sql } = fixture;
    await addBudget(sql, acme.id, { agentId: bot, period: 'hourly', limit: 10, spent: { '': 12.5 } });
    const seen: BudgetView[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { body }: Answer<Page<BudgetView>> = await send(app, `GET /budgets?limit=2${query}`, {
        as: acme.keys.read,
      });
      seen.push(...body.items);
      cursor = body.nextCursor;
    } while (cursor !== null);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(4);
    expect(seen).toHaveLength(4);
    // What was overspent leaves nothing, not less than nothing.
    expect(seen.find(({ period }) => period === 'hourly')).toMatchObject({ spent: 12.5, remaining: 0 });
    const ofBot = await send<Page<BudgetView>>(app, 'GET /budgets?agent=bot', { as: acme.member });
    expect(ofBot.body.items).toHaveLength(2);
    expect((await send(app, 'GET /budgets?agent=nobody', { as: acme.member })).body).toMatchObject({ items: [] });
  });

  it('shows nothing of another organisation', async () => {
    const { send, acme, rival } = fixture;
    const listed = await send<Page<BudgetView>>(app, 'GET /budgets', { as: rival.owner });
    expect(listed.body.items).toMatchObject([{ id: theirs, limit: 7 }]);
    expect((await send(app, `GET /budgets/${theirs}`, { as: rival.member })).status).toBe(200);
    for (const id of [theirs, randomUUID(), 'x']) {
      for (const [method, body] of [['GET'], ['PATCH', { limit: 1 }], ['DELETE']] as const) {
        for (const as of [acme.owner, acme.keys.admin]) {
          expect(await send(app, `${method} /budgets/${id}`, { as, ...(body ? { body } : {}) })).toMatchObject({
            status: 404,
            body: { error: { code: 'budget_not_found' } },
          });
        }
      }
    }
    const after = await send<BudgetView>(app, `GET /budgets/${theirs}`, { as: rival.member });
    expect(after.body.limit).toBe(7);
  });
});

describe('PATCH /budgets/:id', () => {
  it('sets a limit, which operators manage from then on', async () => {
    const { send, acme, sql } = fixture;
    const id = await addBudget(sql, acme.id, { agentId: bot, period: 'weekly', limit: 10 });
    const patched = await send(app, `PATCH /budgets/${id}`, { as: acme.owner, body: { limit: 12.000000001 } });
    expect(patched).toMatchObject({ status: 200, body: { id, limit: 12.000000001, managedBy: 'operator' } });
    const shown = await send(app, `GET /budgets/${id}`, { as: acme.owner });
    expect(shown.body).toMatchObject({ limit: 12.000000001, declaredLimit: 10, managedBy: 'operator' });
  });

  it('lets an agent’s key set it while code manages it', async () => {
    const { send, acme, sql } = fixture;
    const id = await addBudget(sql, acme.id, { agentId: bot, period: 'monthly', limit: 10 });
    const byCode = await send(app, `PATCH /budgets/${id}`, { as: acme.keys.sdk, body: { limit: 20 } });
    expect(byCode).toMatchObject({ status: 200, body: { limit: 20, managedBy: 'code' } });
    await send(app, `PATCH /budgets/${id}`, { as: acme.owner, body: { limit: 5 } });
    const late = await send(app, `PATCH /budgets/${id}`, { as: acme.keys.sdk, body: { limit: 20 } });
    expect(late.status).toBe(403);
    expect((await send(app, `GET /budgets/${id}`, { as: acme.owner })).body).toMatchObject({ limit: 5 });
  });

  it('is for whole numbers of tokens and calls', async () => {
    const { send, acme, sql } = fixture;
    const id = await addBudget(sql, acme.id, { agentId: bot, unit: 'calls', limit: 10 });
    const half = await send(app, `PATCH /budgets/${id}`, { as: acme.owner, body: { limit: 1.5 } });
    expect(half).toMatchObject({ status: 422, body: { error: { code: 'invalid_limit' } } });
    for (const limit of [0, -1, 1e15, null, '5']) {
      expect((await send(app, `PATCH /budgets/${id}`, { as: acme.owner, body: { limit } })).status).toBe(422);
    }
  });
});

describe('POST /budgets/:id/release', () => {
  it('hands a limit back to the code, which may change it from then on', async () => {
    const { send, acme, sql } = fixture;
    const id = await addBudget(sql, acme.id, { agentId: bot, period: 'weekly', name: 'lent', limit: 10.5 });
    await send(app, `PATCH /budgets/${id}`, { as: acme.owner, body: { limit: 99 } });
    const released = await send(app, `POST /budgets/${id}/release`, { as: acme.keys.admin });
    expect(released).toMatchObject({ status: 200, body: { id, limit: 10.5, managedBy: 'code' } });
    const again = await send(app, `POST /budgets/${id}/release`, { as: acme.owner });
    expect(again).toMatchObject({ status: 200, body: { limit: 10.5 } });
    const byCode = await send(app, `PATCH /budgets/${id}`, { as: acme.keys.sdk, body: { limit: 20 } });
    expect(byCode).toMatchObject({ status: 200, body: { limit: 20, managedBy: 'code' } });
  });

  it('is refused for a budget that no code has declared, and to who is no admin', async () => {
    const { send, acme } = fixture;
    const { body } = await create(acme.owner, { agent: 'bot', period: 'hourly', name: 'made here', limit: 5 });
    const refused = await send(app, `POST /budgets/${body.id}/release`, { as: acme.owner });
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'not_declared' } } });
    for (const as of [acme.member, acme.keys.sdk, acme.keys.read, acme.keys.control])
      expect(await send(app, `POST /budgets/${body.id}/release`, { as })).toMatchObject({ status: 403 });
    expect((await send(app, `POST /budgets/${theirs}/release`, { as: acme.owner })).status).toBe(404);
  });
});

describe('DELETE /budgets/:id', () => {
  it('takes a budget away', async () => {
    const { send, acme, sql } = fixture;
    const id = await addBudget(sql, acme.id, { agentId: bot, unit: 'tokens', limit: 10, spent: { '': 3 } });
    expect((await send(app, `DELETE /budgets/${id}`, { as: acme.keys.admin })).status).toBe(204);
    expect((await send(app, `DELETE /budgets/${id}`, { as: acme.keys.admin })).status).toBe(404);
  });
});

describe('who may', () => {
  it('depends on the scope', async () => {
    const { send, acme, sql } = fixture;
    const id = await addBudget(sql, acme.id, { scope: 'shared', name: 'guarded', limit: 10 });
    const body = { limit: 99 };
    const fresh = { agent: 'bot', period: 'total', limit: 1 };
    expect((await send(app, 'GET /budgets')).status).toBe(401);
    expect((await send(app, 'POST /budgets', { body: fresh })).status).toBe(401);
    expect((await send(app, `PATCH /budgets/${id}`, { body })).status).toBe(401);
    expect((await send(app, `DELETE /budgets/${id}`)).status).toBe(401);
    for (const as of [acme.member, acme.keys.read, acme.keys.control, acme.keys.sdk]) {
      expect((await create(as, fresh)).status).toBe(403);
      expect((await send(app, `DELETE /budgets/${id}`, { as })).status).toBe(403);
    }
    for (const as of [acme.member, acme.keys.read]) {
      expect((await send(app, `PATCH /budgets/${id}`, { as, body })).status).toBe(403);
    }
    for (const as of [acme.keys.sdk, acme.keys.control]) {
      expect((await send(app, 'GET /budgets', { as })).status).toBe(403);
    }
    expect((await send(app, `GET /budgets/${id}`, { as: acme.owner })).body).toMatchObject({ limit: 10 });
  });
});
