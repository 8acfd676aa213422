import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hono } from 'hono';
import { startFixture, type Answer, type Fixture } from '../_operator/testing/fixture.ts';
import { addAgent, addCall, addRun } from '../_operator/testing/records.ts';
import type { EventView } from '../_operator/event-list.ts';
import type { Page } from '../_operator/page.ts';
import { handler } from './handler.ts';

let fixture: Fixture;
let app: Hono;
let run: string;
let theirs: string;
const start = Date.now() - 3_600_000;

beforeAll(async () => {
  fixture = await startFixture();
  app = handler(fixture.deps);
  const { sql, acme, rival } = fixture;
  const bot = await addAgent(sql, acme.id, 'bot');
  run = await addRun(sql, acme.id, bot, { runId: 'nightly', startedAt: new Date(start), cost: 0.123456789 });
  for (const n of [2, 0, 1]) {
    const at = new Date(start + n * 1_000);
    await addCall(sql, acme.id, bot, { run, at, cost: n, ...(n === 1 ? { prompt: 'Summarise' } : {}) });
  }
  const spy = await addAgent(sql, rival.id, 'spy');
  theirs = await addRun(sql, rival.id, spy, { runId: 'nightly', startedAt: new Date(start) });
  await addCall(sql, rival.id, spy, { run: theirs, at: new Date(start), prompt: 'secret' });
});
afterAll(() => fixture[Symbol.asyncDispose]());

describe('GET /runs/:id', () => {
  it('shows a run', async () => {
    const { send, acme } = fixture;
    for (const as of [acme.member, acme.keys.read]) {
      expect(await send(app, `GET /runs/${run}`, { as })).toMatchObject({
        status: 200,
        body: {
          id: run,
          runId: 'nightly',
          agent: 'bot',
          startedAt: new Date(start).toISOString(),
          lastEventAt: new Date(start).toISOString(),
          user: null,
          tags: [],
          cost: 0.123456789,
          tokens: 10,
          calls: 1,
          toolCalls: 0,
          denied: 0,
        },
      });
    }
  });

  it('is not found where it is another organisation’s, not there, or no id at all', async () => {
    const { send, acme } = fixture;
    for (const id of [theirs, randomUUID(), 'nightly', '1', `${run}0`]) {
      for (const path of [`/runs/${id}`, `/runs/${id}/events`]) {
        const answer = await send(app, `GET ${path}`, { as: acme.owner });
        expect(answer).toMatchObject({ status: 404, body: { error: { code: 'run_not_found' } } });
      }
    }
  });

  it('is not shown to nobody, or without the scope', async () => {
    const { send, acme } = fixture;
    for (const path of [`/runs/${run}`, `/runs/${run}/events`]) {
      expect((await send(app, `GET ${path}`)).status).toBe(401);
      for (const as of [acme.keys.sdk, acme.keys.control]) {
        expect((await send(app, `GET ${path}`, { as })).status).toBe(403);
      }
      expect((await send(app, `POST ${path}`, { as: acme.owner })).status).toBe(405);
    }
  });
});

describe('GET /runs/:id/events', () => {
  it('tells what happened in order, page by page', async () => {
    const { send, acme } = fixture;
    const first = await send<Page<EventView>>(app, `GET /runs/${run}/events?limit=2`, { as: acme.member });
    expect(first.body.items).toMatchObject([
      { cost: 0, prompt: null, provider: 'openai', model: 'gpt-4o', outcome: 'completed', runId: 'nightly' },
      { cost: 1, prompt: 'Summarise' },
    ]);
    const second = await send(app, `GET /runs/${run}/events?limit=2&cursor=${first.body.nextCursor}`, {
      as: acme.member,
    });
    expect(second.body).toMatchObject({ items: [{ cost: 2 }], nextCursor: null });
  });

  it('neither skips nor repeats events of the same moment', async () => {
    const { send, acme, sql } = fixture;
    const [agent] = await sql<{ id: string }[]>`select id from kavach.agents where org_id = ${acme.id}`;
    const crowded = await addRun(sql, acme.id, agent!.id, { runId: 'crowded', startedAt: new Date(start) });
    const added = await Promise.all(
      Array.from({ length: 7 }, () => addCall(sql, acme.id, agent!.id, { run: crowded, at: new Date(start) })),
    );
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { body }: Answer<Page<EventView>> = await send(app, `GET /runs/${crowded}/events?limit=3${query}`, {
        as: acme.member,
      });
      seen.push(...body.items.map(({ id }) => id));
      cursor = body.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual([...added].sort());
  });
});
