import type { CallEvent, ChargeEvent, IngestAnswer } from '@agentkavach/core/wire';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { gzipSync } from 'node:zlib';
import { openProject, type TestOrganisation, type TestProject } from '../_shared/testing/project.ts';
import { handler } from './handler.ts';

const INSTANCE = 'c0ffee00-0000-4000-8000-000000000001';
const DAY = 86_400_000;

let project: TestProject;
let organisation: TestOrganisation;
let key: string;
beforeAll(async () => {
  project = await openProject();
});
afterAll(() => project.end());
beforeEach(async () => {
  organisation = await project.organisation();
  key = await organisation.key();
});

const call = (fields: Partial<CallEvent> | Record<string, unknown> = {}) => ({
  type: 'call',
  id: crypto.randomUUID(),
  agent: 'bot',
  runId: 'r1',
  at: Date.now(),
  startedAt: Date.now() - 500,
  provider: 'openai',
  model: 'gpt-4o',
  outcome: 'completed',
  estimated: false,
  nano: 1_500,
  tokens: 30,
  calls: 1,
  ...fields,
});
const charge = (fields: Partial<ChargeEvent> = {}) => ({
  type: 'charge',
  id: crypto.randomUUID(),
  agent: 'bot',
  runId: 'r1',
  at: Date.now(),
  startedAt: Date.now(),
  name: 'serp',
  nano: 10,
  ...fields,
});
const note = (fields: object = {}) => ({
  type: 'denied',
  id: crypto.randomUUID(),
  agent: 'bot',
  runId: 'r1',
  at: Date.now(),
  code: 'KAVACH_BUDGET_EXCEEDED',
  ...fields,
});

async function send(events: readonly unknown[], { token = key, packed = false } = {}) {
  const body = JSON.stringify({ instance: INSTANCE, sentAt: Date.now(), events });
  const response = await handler(project.deps).request('/ingest', {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...(packed ? { 'content-encoding': 'gzip' } : {}) },
    body: packed ? gzipSync(body) : body,
  });
  const answer = (await response.json()) as IngestAnswer & { error?: { code: string; details: unknown } };
  return { status: response.status, ...answer };
}

const stored = async () =>
  (await project.admin<{ cost: string }[]>`select cost from kavach.events where org_id = ${organisation.id}`).length;
const letters = () =>
  project.admin<{ reason: string; event_id: string | null; detail: string; payload: unknown }[]>`
    select reason, event_id, detail, payload from kavach.dead_letters where org_id = ${organisation.id} order by id
  `;

describe('POST /ingest', () => {
  it('stores events of every kind, plain and packed', async () => {
    const everything = call({
      user: 'u',
      tags: ['a', 'b'],
      inputTokens: 10,
      outputTokens: 20,
      toolCalls: 1,
      prompt: 'Hi',
    });
    const events = [
      call(),
      everything,
      charge(),
      note(),
      note({ type: 'kill', code: 'cost' }),
      note({ type: 'resume', message: 'go' }),
    ];
    expect(await send(events)).toMatchObject({
      status: 200,
      accepted: 6,
      duplicates: 0,
      rejected: [],
      agents: [{ agent: 'bot', killed: false, epoch: 0, reason: null, by: null }],
      serverTime: expect.any(Number),
    });
    expect(await send([call(), call()], { packed: true })).toMatchObject({ status: 200, accepted: 2 });
    expect(await stored()).toBe(8);
  });

  it('takes an empty batch: a question about the state', async () => {
    expect(await send([])).toMatchObject({ status: 200, accepted: 0, duplicates: 0, rejected: [] });
  });

  it('counts an event once that comes twice, in one batch and in another', async () => {
    const event = call();
    expect(await send([event, event, call()])).toMatchObject({ accepted: 2, duplicates: 1, rejected: [] });
    expect(await send([event])).toMatchObject({ accepted: 0, duplicates: 1, rejected: [] });
    expect(await stored()).toBe(2);
  });

  it('tells another event under a known id', async () => {
    const event = call();
    await send([event]);
    const { accepted, rejected } = await send([{ ...event, nano: 99 }]);
    expect([accepted, rejected]).toEqual([
      0,
      [expect.objectContaining({ index: 0, id: event.id, reason: 'conflict' })],
    ]);
  });

  it.each([
    ['a negative cost', () => call({ nano: -1 }), 'nano: Too small'],
    ['a cost beyond all numbers', () => call({ nano: 2 ** 60 }), 'nano: Too big'],
    ['an unknown field', () => call({ costUsd: 1 }), 'Unrecognized key: "costUsd"'],
    ['NUL in a name', () => call({ agent: 'a\0b' }), 'agent: contains a NUL character'],
    ['NUL in a prompt', () => call({ prompt: 'a\0b' }), 'prompt: contains a NUL character'],
    ['half a character', () => call({ user: '\ud83e' }), 'user: contains a NUL character or half'],
    ['an id that is none', () => call({ id: `'; drop table kavach.events; --` }), 'id: Invalid UUID'],
    ['no object', () => 'drop table', 'expected object'],
    ['a name of megabytes', () => call({ model: 'm'.repeat(3_000_000) }), 'model: Too big'],
  ])('keeps the good events of a batch with %s, and says why', async (_, bad, detail) => {
    const event = bad();
    const { status, accepted, rejected } = await send([call(), event, call()]);
    expect([status, accepted, rejected]).toEqual([
      200,
      2,
      [
        {
          index: 1,
          id: typeof event === 'string' ? null : event.id,
          reason: 'invalid',
          detail: expect.stringContaining(detail),
        },
      ],
    ]);
    expect(await stored()).toBe(2);
    expect(await letters()).toEqual([
      expect.objectContaining({ reason: 'invalid', detail: expect.stringContaining(detail) }),
    ]);
  });

  it.each([
    ['a day ahead', DAY, 'clock_skew'],
    ['six minutes ahead', 360_000, 'clock_skew'],
    ['31 days behind', -31 * DAY, 'too_old'],
    ['at the end of time', 8.64e15 - DAY - Date.now(), 'clock_skew'],
    ['at its beginning', DAY - Date.now(), 'too_old'],
  ])('refuses a clock that is %s', async (_, skew, reason) => {
    const at = Date.now() + skew;
    const { status, accepted, rejected } = await send([call({ at, startedAt: at }), call()]);
    expect([status, accepted, rejected]).toEqual([200, 1, [expect.objectContaining({ index: 0, reason })]]);
    expect((await letters()).map((row) => row.reason)).toEqual([reason]);
  });

  it.each([
    ['minutes ahead', 240_000],
    ['a day behind', -DAY],
  ])('takes a clock that is %s', async (_, skew) => {
    const at = Date.now() + skew;
    expect(await send([call({ at, startedAt: at })])).toMatchObject({ status: 200, accepted: 1 });
  });

  it('takes a call that began before or after all time for one that began near its end', async () => {
    const events = [call({ startedAt: 0 }), call({ startedAt: 8.64e15 })];
    expect(await send(events)).toMatchObject({ status: 200, accepted: 2, rejected: [] });
  });

  it('refuses 10,000 events at once', async () => {
    const { status, error } = await send(Array.from({ length: 10_000 }, () => note()));
    expect([status, error]).toMatchObject([422, { code: 'invalid', details: [{ path: 'events' }] }]);
    expect(await stored()).toBe(0);
  });

  it('takes 1,000', async () => {
    expect(
      await send(
        Array.from({ length: 1_000 }, () => call()),
        { packed: true },
      ),
    ).toMatchObject({ status: 200, accepted: 1_000 });
    expect(await stored()).toBe(1_000);
  });

  it('takes 1,000 bad ones as dead letters', async () => {
    const { status, accepted, rejected } = await send(Array.from({ length: 1_000 }, (_, i) => ({ nonsense: i })));
    expect([status, accepted, rejected.length, (await letters()).length]).toEqual([200, 0, 1_000, 1_000]);
  });

  it('keeps names as they are, whatever they look like', async () => {
    const names = [`'); drop table kavach.events; --`, '<script>alert(1)</script>', '$1', '\\', '\u{1F9E8}', '{"a":1}'];
    const events = names.map((name) =>
      call({ agent: name, user: name, model: name, provider: name, runId: name, tags: [name], prompt: name }),
    );
    expect(await send(events)).toMatchObject({ status: 200, accepted: names.length, rejected: [] });
    const rows = await project.admin<{ name: string }[]>`
      select a.name from kavach.agents a join kavach.events e on e.agent_id = a.id and e.user_name = a.name and e.model = a.name
      where a.org_id = ${organisation.id}
    `;
    expect(rows.map(({ name }) => name).sort()).toEqual([...names].sort());
  });

  it('survives the largest amounts, also in a budget', async () => {
    const largest = Number.MAX_SAFE_INTEGER;
    const agent = crypto.randomUUID();
    const [row] = await project.admin<{ id: string }[]>`
      insert into kavach.agents (org_id, name) values (${organisation.id}, ${agent}) returning id
    `;
    for (const unit of ['usd', 'tokens', 'calls']) {
      await project.admin`
        insert into kavach.budgets (org_id, agent_id, scope, name, unit, period, time_zone, limit_amount, declared_amount, managed_by)
        values (${organisation.id}, ${row!.id}, 'agent', '', ${unit}, 'daily', 'UTC', 1, 1, 'code')
      `;
    }
    const events = Array.from({ length: 3 }, () =>
      call({
        agent,
        nano: largest,
        tokens: largest,
        calls: largest,
        inputTokens: largest,
        outputTokens: largest,
        toolCalls: largest,
      }),
    );
    const { status, accepted, rejected } = await send([...events, call()]);
    expect([status, accepted + rejected.length]).toEqual([200, 4]);
  });

  it('stores under the key’s organisation only', async () => {
    const other = await project.organisation();
    await send([call()], { token: await other.key() });
    expect(await stored()).toBe(0);
  });

  it('lets two organisations use one id', async () => {
    const other = await project.organisation();
    const event = call();
    expect(await send([event])).toMatchObject({ accepted: 1 });
    expect(await send([event], { token: await other.key() })).toMatchObject({ accepted: 1, duplicates: 0 });
  });

  it('refuses more than the plan’s events of a day, until midnight UTC', async () => {
    const token = await (await project.organisation('free')).key();
    await project.admin`update kavach.plans set max_events_per_day = 2 where id = 'free'`;
    expect(await send([note(), note(), note()], { token })).toMatchObject({ status: 200, accepted: 3 });
    const response = await send([note()], { token });
    expect(response).toMatchObject({ status: 429, error: { code: 'daily_limit', details: { reason: 'daily_limit' } } });
  });
});
