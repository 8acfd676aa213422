import type { ConnectAnswer } from '@agentkavach/core/wire';
import { jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProject, type TestOrganisation, type TestProject } from '../_shared/testing/project.ts';
import { handler } from './handler.ts';

const INSTANCE = 'c0ffee00-0000-4000-8000-000000000001';
const DAILY = {
  id: 'daily',
  scope: 'agent',
  name: null,
  unit: 'usd',
  period: 'daily',
  timeZone: 'UTC',
  limit: 5_000_000_000,
};

let project: TestProject;
let organisation: TestOrganisation;
let key: string;
beforeAll(async () => {
  project = await openProject();
  organisation = await project.organisation('pro');
  key = await organisation.key();
});
afterAll(() => project.end());

async function connect(body: object, { token = key, deps = project.deps } = {}) {
  const response = await handler(deps).request('/connect', {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ sdk: '0.1.0', instance: INSTANCE, agent: 'bot', budgets: [], ...body }),
  });
  return { status: response.status, answer: (await response.json()) as ConnectAnswer & { error?: { code: string } } };
}

describe('POST /connect', () => {
  it('tells who one is, what holds, and where to listen', async () => {
    const before = Date.now();
    const { status, answer } = await connect({ budgets: [DAILY] });
    expect([status, answer]).toEqual([
      200,
      {
        organisation: { id: organisation.id, name: 'Test', plan: 'pro' },
        state: { agent: 'bot', killed: false, epoch: 0, reason: null, by: null },
        budgets: [
          {
            id: 'daily',
            budgetId: expect.stringMatching(/^[0-9a-f-]{36}$/),
            limit: DAILY.limit,
            managedBy: 'code',
            windowStart: Math.floor(before / 86_400_000) * 86_400_000,
            spent: [],
          },
        ],
        realtime: {
          url: 'wss://project.example/realtime/v1',
          apiKey: 'anon',
          token: expect.any(String),
          expiresAt: expect.any(Number),
          topic: `org:${organisation.id}:control`,
        },
        serverTime: expect.any(Number),
      },
    ]);
    const secret = new TextEncoder().encode(project.deps.settings.jwtSecret);
    expect((await jwtVerify(answer.realtime!.token, secret)).payload).toMatchObject({ kavach_org: organisation.id });
  });

  it('speaks to Realtime without encryption where the project itself does', async () => {
    const deps = { ...project.deps, settings: { ...project.deps.settings, supabaseUrl: 'http://127.0.0.1:54321' } };
    expect((await connect({}, { deps })).answer.realtime?.url).toBe('ws://127.0.0.1:54321/realtime/v1');
  });

  it('leaves Realtime out where no token can be signed', async () => {
    const { supabaseUrl, anonKey } = project.deps.settings;
    const deps = { ...project.deps, settings: { supabaseUrl, anonKey } };
    expect(await connect({}, { deps })).toMatchObject({ status: 200, answer: { realtime: null } });
  });

  it('takes every scope, unit and period that the contract has', async () => {
    const budgets = [
      ...(['hourly', 'daily', 'weekly', 'monthly', 'total'] as const).map((period) => ({
        ...DAILY,
        id: period,
        period,
      })),
      { ...DAILY, id: 'tokens', unit: 'tokens', limit: 1 },
      { ...DAILY, id: 'calls', unit: 'calls', limit: 1_000_000_000 },
      { ...DAILY, id: 'user', scope: 'user', timeZone: 'Asia/Kolkata' },
      { ...DAILY, id: 'tag', scope: 'tag' },
      { ...DAILY, id: 'pool', scope: 'shared', name: `team 'research'; --` },
      { ...DAILY, id: 'org', scope: 'org', period: 'monthly' },
    ];
    const { status, answer } = await connect({ agent: 'all', budgets });
    expect([status, answer.budgets.map(({ id }) => id)]).toEqual([200, budgets.map(({ id }) => id)]);
    expect(answer.budgets.map(({ limit }) => limit)).toEqual(budgets.map(({ limit }) => limit));
    expect(answer.budgets.find(({ id }) => id === 'total')?.windowStart).toBeNull();
  });

  it('keeps what agents are called apart, whatever it looks like', async () => {
    const names = [`'); drop table kavach.agents; --`, '<script>', '💰', 'a"b\\c', '%s', 'NULL', '{}'];
    for (const agent of names) expect((await connect({ agent })).answer.state.agent).toBe(agent);
    const rows = await project.admin<
      { name: string }[]
    >`select name from kavach.agents where org_id = ${organisation.id}`;
    expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
  });

  it('gives two organisations agents of their own', async () => {
    const other = await project.organisation();
    const mine = await connect({ agent: 'same', budgets: [DAILY] });
    const theirs = await connect({ agent: 'same', budgets: [DAILY] }, { token: await other.key() });
    expect(theirs.answer.organisation.id).toBe(other.id);
    expect(theirs.answer.budgets[0]!.budgetId).not.toBe(mine.answer.budgets[0]!.budgetId);
  });

  it('refuses one agent too many for the plan, with the reason', async () => {
    const token = await (await project.organisation('free')).key();
    for (const agent of ['one', 'two', 'three']) expect((await connect({ agent }, { token })).status).toBe(200);
    expect(await connect({ agent: 'four' }, { token })).toMatchObject({
      status: 403,
      answer: { error: { code: 'tier_agent_limit', details: { reason: 'tier_agent_limit', limit: 3 } } },
    });
    expect((await connect({ agent: 'one' }, { token })).status).toBe(200);
  });

  it.each([
    ['the largest amount', { ...DAILY, limit: Number.MAX_SAFE_INTEGER }],
    ['the largest number of tokens', { ...DAILY, unit: 'tokens', limit: Number.MAX_SAFE_INTEGER }],
    ['the largest number of calls', { ...DAILY, unit: 'calls', limit: Number.MAX_SAFE_INTEGER }],
    ['a zone that only JavaScript knows', { ...DAILY, timeZone: 'Etc/Unknown' }],
  ])('answers %s clearly', async (_, budget) => {
    const { status, answer } = await connect({ agent: 'edge', budgets: [budget] });
    expect([status, answer.error?.code]).toSatisfy(([code]) => code === 200 || (code >= 400 && code < 500));
  });
});
