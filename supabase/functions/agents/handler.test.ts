import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Hono } from 'hono';
import { startFixture, type Fixture } from '../_operator/testing/fixture.ts';
import { addAgent, addBudget, addCall, addRun } from '../_operator/testing/records.ts';
import type { AgentState } from '@agentkavach/core/wire';
import type { EventView } from '../_operator/event-list.ts';
import type { Page } from '../_operator/page.ts';
import type { RunView } from '../_operator/run-list.ts';
import type { AgentDetail, AgentView } from './agent-list.ts';
import { handler } from './handler.ts';

let fixture: Fixture;
let app: Hono;
const ids: { bot: string; runs: string[] } = { bot: '', runs: [] };
const MINUTE = 60_000;

beforeAll(async () => {
  fixture = await startFixture();
  app = handler(fixture.deps);
  const { sql, acme, rival } = fixture;
  ids.bot = await addAgent(sql, acme.id, 'bot');
  await addAgent(sql, acme.id, 'a/b & ü');
  const theirs = await addAgent(sql, rival.id, 'theirs');
  await addAgent(sql, rival.id, 'bot');
  await addBudget(sql, acme.id, { agentId: ids.bot, limit: 50, spent: { '': 35.000000001 } });
  await addBudget(sql, acme.id, { agentId: ids.bot, scope: 'user', limit: 5, spent: { ada: 1, bob: 2.5 } });
  await addBudget(sql, rival.id, { agentId: theirs, limit: 9, spent: { '': 1 } });
  const start = Date.now() - 60 * MINUTE;
  for (const n of [0, 1, 2]) {
    const run = await addRun(sql, acme.id, ids.bot, { runId: `run-${n}`, startedAt: new Date(start + n * MINUTE) });
    ids.runs.push(run);
    await addCall(sql, acme.id, ids.bot, {
      run,
      at: new Date(start + n * MINUTE),
      cost: n,
      ...(n === 0 ? { prompt: 'Hi' } : {}),
    });
  }
});
afterAll(() => fixture[Symbol.asyncDispose]());

describe('GET /agents', () => {
  it('lists the agents of the organisation with the spend of their budgets', async () => {
    const { send, acme } = fixture;
    for (const as of [acme.member, acme.owner, acme.keys.read, acme.keys.admin]) {
      const { status, body } = await send<Page<AgentView>>(app, 'GET /agents', { as });
      expect(status).toBe(200);
      expect(body.nextCursor).toBeNull();
      expect(body.items.map(({ name }) => name)).toEqual(['a/b & ü', 'bot']);
      const { budgets, ...bot } = body.items[1]!;
      expect(bot).toEqual({
        id: ids.bot,
        name: 'bot',
        killed: false,
        killEpoch: 0,
        killReason: null,
        killedBy: null,
        killedAt: null,
        firstSeenAt: expect.stringMatching(/^\d{4}-.*Z$/),
        lastSeenAt: expect.stringMatching(/^\d{4}-.*Z$/),
        keyEndedAt: null,
        spentBudget: null,
      });
      expect(budgets).toHaveLength(2);
      expect(budgets).toContainEqual(
        expect.objectContaining({
          scope: 'agent',
          agent: 'bot',
          unit: 'usd',
          period: 'daily',
          timeZone: 'UTC',
          limit: 50,
          spent: 35.000000001,
          remaining: 14.999999999,
          holder: null,
          holders: 0,
          name: null,
          managedBy: 'code',
        }),
      );
      expect(budgets).toContainEqual(
        expect.objectContaining({ scope: 'user', limit: 5, spent: 2.5, remaining: 2.5, holder: 'bob', holders: 2 }),
      );
    }
  });

  describe('says what keeps an agent from going on', () => {
    const shown = async (name: string): Promise<AgentView> => {
      const { send, acme } = fixture;
      const page = await send<Page<AgentView>>(app, 'GET /agents', { as: acme.member });
      const alone = await send<AgentView>(app, `GET /agents/${name}`, { as: acme.member });
      const listed = page.body.items.find((agent) => agent.name === name)!;
      expect(alone.body).toMatchObject(listed);
      return listed;
    };
    const agentWith = async (name: string, ...budgets: Parameters<typeof addBudget>[2][]): Promise<string[]> => {
      const { sql, acme } = fixture;
      const agentId = await addAgent(sql, acme.id, name);
      const made = [agentId];
      for (const budget of budgets) {
        const isPool = budget.scope === 'shared' || budget.scope === 'org';
        made.push(await addBudget(sql, acme.id, { ...budget, ...(isPool ? {} : { agentId }) }));
      }
      return made;
    };
    afterEach(async () => {
      await fixture.sql`delete from kavach.agents where org_id = ${fixture.acme.id} and name like 'state-%'`;
    });

    it('a budget that is spent, of several the one that reopens last', async () => {
      await agentWith(
        'state-a',
        { limit: 5, period: 'hourly', spent: { '': 5 } },
        { limit: 5, period: 'monthly', name: 'm', spent: { '': 6 } },
        { limit: 5, period: 'total', spent: { '': 1 } },
        { limit: 5, period: 'weekly', scope: 'user', spent: { ada: 9 } },
      );
      const { spentBudget, budgets } = await shown('state-a');
      const monthly = budgets.find(({ period }) => period === 'monthly')!;
      expect(spentBudget).toEqual({
        ...{ id: monthly.id, scope: 'agent', name: 'm', unit: 'usd', period: 'monthly', resetsAt: monthly.windowEnd },
      });
    });

    it('a budget whose 100 % was told although something is left', async () => {
      const [, budget] = await agentWith('state-b', { limit: 5, period: 'total', spent: { '': 4.99 } });
      expect((await shown('state-b')).spentBudget).toBeNull();
      await fixture.sql`update kavach.budget_windows set fired = '{0.7,0.9,1.0}' where budget_id = ${budget!}`;
      expect((await shown('state-b')).spentBudget).toMatchObject({ period: 'total', resetsAt: null });
    });

    it('a pool that it takes slices of, and no other', async () => {
      const { sql, acme } = fixture;
      const [agentId, pool] = await agentWith('state-c', {
        ...{ scope: 'shared', name: 'state-pool', limit: 5, spent: { '': 5 } },
      });
      expect((await shown('state-c')).spentBudget).toBeNull();
      await sql`
        insert into kavach.leases (id, org_id, budget_id, window_start, instance, agent_id, expires_at, reclaim_at)
        values (gen_random_uuid(), ${acme.id}, ${pool!}, now(), gen_random_uuid(), ${agentId!}, now(), now())`;
      expect((await shown('state-c')).spentBudget).toMatchObject({ scope: 'shared', name: 'state-pool' });
      expect((await shown('bot')).spentBudget).toBeNull();
      await sql`delete from kavach.budgets where id = ${pool!}`;
    });

    it('a key that is revoked, or whose time is over', async () => {
      const { sql, acme } = fixture;
      const [agentId] = await agentWith('state-d');
      for (const [column, ended] of [['revoked_at', true], ['expires_at', true], ['expires_at', false]] as const) {
        await sql`
          with key as (
            insert into kavach.api_keys (org_id, name, environment, prefix, hash, ${sql(column)})
            values (${acme.id}, 'k', 'dev', 'ak_dev_abcde', sha256(${crypto.randomUUID()}::bytea),
              now() + ${ended ? -1 : 1} * interval '1 hour')
            returning id
          ) update kavach.agents set last_key_id = (select id from key) where id = ${agentId!}`;
        const { keyEndedAt } = await shown('state-d');
        expect([column, keyEndedAt]).toEqual([column, ended ? expect.stringMatching(/Z$/) : null]);
      } // prettier-ignore
    });
  });

  it('pages by name', async () => {
    const { send, acme } = fixture;
    const first = await send<Page<AgentView>>(app, 'GET /agents?limit=1', { as: acme.member });
    expect(first.body.items).toMatchObject([{ name: 'a/b & ü' }]);
    const second = await send(app, `GET /agents?limit=1&cursor=${first.body.nextCursor}`, { as: acme.member });
    expect(second.body).toMatchObject({ items: [{ name: 'bot' }], nextCursor: null });
  });

  it('refuses who may not read, and shows another organisation only its own', async () => {
    const { send, acme, rival } = fixture;
    expect((await send(app, 'GET /agents')).status).toBe(401);
    const sdk = await send(app, 'GET /agents', { as: acme.keys.sdk });
    expect(sdk).toMatchObject({ status: 403, body: { error: { code: 'forbidden', details: { scope: 'read' } } } });
    const theirs = await send<Page<AgentView>>(app, 'GET /agents', { as: rival.member });
    expect(theirs.body.items.map(({ name }) => name)).toEqual(['bot', 'theirs']);
    const asked = await send(app, 'GET /agents', { as: acme.owner, headers: { 'x-kavach-org': rival.id } });
    expect(asked).toMatchObject({ status: 404, body: { error: { code: 'organization_not_found' } } });
  });

  it('names what is wrong in the query', async () => {
    const { send, acme } = fixture;
    for (const [query, path] of [
      ['limit=0', 'limit'],
      ['limit=201', 'limit'],
      ['limit=1e2', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['page=2', ''],
    ]) {
      const { status, body } = await send(app, `GET /agents?${query}`, { as: acme.member });
      expect(status).toBe(422);
      expect(body.error).toMatchObject({ code: 'invalid', details: [{ path }] });
    }
    const unknown = await send(app, 'GET /agents?page=2', { as: acme.member });
    expect(unknown.body.error.message).toContain('"page"');
    for (const cursor of ['x', '%00', btoa('7'), btoa('""')]) {
      const { body } = await send(app, `GET /agents?cursor=${cursor}`, { as: acme.member });
      expect(body.error).toMatchObject({ code: 'invalid_cursor' });
    }
  });

  it('says which methods a path takes', async () => {
    const { send, acme } = fixture;
    const wrong = await send(app, 'DELETE /agents/bot', { as: acme.owner });
    expect(wrong).toMatchObject({ status: 405, body: { error: { code: 'method_not_allowed' } } });
    expect(wrong.headers.get('allow')).toBe('GET, HEAD');
    expect(wrong.headers.get('access-control-allow-origin')).toBe('*');
    expect((await send(app, 'GET /agents/bot/kill', { as: acme.owner })).headers.get('allow')).toBe('POST');
    expect((await send(app, 'GET /agents/bot/nothing', { as: acme.owner })).status).toBe(404);
  });
});

describe('GET /agents/:name', () => {
  it('shows one agent, by any name', async () => {
    const { send, acme } = fixture;
    const { status, body } = await send(app, 'GET /agents/bot', { as: acme.keys.read });
    expect(status).toBe(200);
    expect(body).toMatchObject({ name: 'bot', kills: [], budgets: [{ agent: 'bot' }, { agent: 'bot' }] });
    const odd = await send<AgentDetail>(app, `GET /agents/${encodeURIComponent('a/b & ü')}`, { as: acme.keys.read });
    expect(odd.body.name).toBe('a/b & ü');
  });

  it('is not found in another organisation, without the scope, or where there is none', async () => {
    const { send, acme } = fixture;
    for (const path of ['/agents/theirs', '/agents/theirs/runs', '/agents/theirs/events', '/agents/%00']) {
      expect(await send(app, `GET ${path}`, { as: acme.owner })).toMatchObject({
        status: 404,
        body: { error: { code: 'agent_not_found' } },
      });
    }
    for (const path of ['/agents/bot', '/agents/bot/runs', '/agents/bot/events']) {
      expect((await send(app, `GET ${path}`, { as: acme.keys.sdk })).status).toBe(403);
      expect((await send(app, `GET ${path}`)).status).toBe(401);
    }
  });
});

describe('GET /agents/:name/runs and /events', () => {
  it('pages through the runs, newest first, and misses none', async () => {
    const { send, acme } = fixture;
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await send<Page<RunView>>(app, `GET /agents/bot/runs?limit=2${cursor}`, { as: acme.member });
      seen.push(...body.items.map(({ runId }) => runId));
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
    } while (cursor !== '');
    expect(seen).toEqual(['run-2', 'run-1', 'run-0']);
  });

  it('pages through the events, newest first, with the prompt where it was saved', async () => {
    const { send, acme } = fixture;
    const first = await send<Page<EventView>>(app, 'GET /agents/bot/events?limit=2', { as: acme.keys.read });
    expect(first.body.items).toMatchObject([
      { type: 'call', runId: 'run-2', run: ids.runs[2], cost: 2, prompt: null, tags: [], estimated: false },
      { runId: 'run-1', cost: 1 },
    ]);
    const second = await send(app, `GET /agents/bot/events?limit=2&cursor=${first.body.nextCursor}`, {
      as: acme.keys.read,
    });
    expect(second.body).toMatchObject({ items: [{ runId: 'run-0', prompt: 'Hi' }], nextCursor: null });
  });

  it('narrows the events by type and time', async () => {
    const { send, acme } = fixture;
    const all = await send<Page<EventView>>(app, 'GET /agents/bot/events', { as: acme.member });
    const [to, from] = all.body.items.map(({ at }) => at);
    const some = await send<Page<EventView>>(app, `GET /agents/bot/events?from=${from}&to=${to}&type=call`, {
      as: acme.member,
    });
    expect(some.body.items).toMatchObject([{ runId: 'run-1' }]);
    expect(await send(app, 'GET /agents/bot/events?type=kill', { as: acme.member })).toMatchObject({
      body: { items: [] },
    });
    expect((await send(app, 'GET /agents/bot/events?from=yesterday', { as: acme.member })).status).toBe(422);
  });
});

describe('POST /agents/:name/kill and /resume', () => {
  it('stops and resumes, and remembers who did', async () => {
    const { send, acme } = fixture;
    const killed = await send(app, 'POST /agents/bot/kill', { as: acme.member, body: { reason: 'loop' } });
    expect(killed).toMatchObject({
      status: 200,
      body: { agent: 'bot', killed: true, epoch: 1, reason: 'loop', by: 'member@acme.example' },
    });
    const resumed = await send(app, 'POST /agents/bot/resume', { as: acme.keys.control });
    expect(resumed).toMatchObject({ status: 200, body: { agent: 'bot', killed: false, epoch: 2 } });
    const again = await send<AgentState>(app, 'POST /agents/bot/kill', { as: acme.keys.control });
    expect(again).toMatchObject({ status: 200, body: { killed: true, epoch: 3, reason: 'manual' } });
    expect(again.body.by).toContain(acme.keys.control.slice(0, 12));
    const { body } = await send<AgentDetail>(app, 'GET /agents/bot', { as: acme.member });
    expect(body).toMatchObject({ killed: true, killEpoch: 3, killReason: 'manual', killedAt: expect.any(String) });
    expect(body.kills.map(({ action, epoch }) => [action, epoch])).toEqual([
      ['kill', 3],
      ['resume', 2],
      ['kill', 1],
    ]);
  });

  it('does neither without the scope, for another organisation, or for nobody', async () => {
    const { send, acme, rival, sql } = fixture;
    for (const action of ['kill', 'resume']) {
      expect((await send(app, `POST /agents/bot/${action}`)).status).toBe(401);
      for (const as of [acme.keys.sdk, acme.keys.read]) {
        expect((await send(app, `POST /agents/bot/${action}`, { as })).status).toBe(403);
      }
      const theirs = await send(app, `POST /agents/theirs/${action}`, { as: acme.owner });
      expect(theirs).toMatchObject({ status: 404, body: { error: { code: 'agent_not_found' } } });
    }
    const rows = await sql`select from kavach.agents where org_id = ${rival.id} and (killed or kill_epoch > 0)`;
    expect(rows.count).toBe(0);
  });

  it('takes the reasons of the SDK only', async () => {
    const { send, acme } = fixture;
    for (const body of [{ reason: 'because' }, { why: 'manual' }, [], { reason: 'key_revoked' }]) {
      expect((await send(app, 'POST /agents/bot/kill', { as: acme.owner, body })).status).toBe(422);
    }
    expect((await send(app, 'POST /agents/bot/kill', { as: acme.owner, body: '{' })).status).toBe(400);
  });
});
