/** By way of the function, so that PostgreSQL says what can be stored, and each runtime how deep is too deep. */
import type { IngestAnswer } from '@agentkavach/core/wire';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openProject, type TestOrganisation, type TestProject } from '../_shared/testing/project.ts';
import { handler } from './handler.ts';

const ID = 'c0ffee00-0000-4000-8000-000000000001';
const NOTE = { type: 'denied', id: ID, agent: 'bot', runId: 'r1', at: 2_000, code: 'KAVACH_KILLED' };

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

async function send(...events: readonly string[]): Promise<IngestAnswer> {
  const response = await handler(project.deps).request('/ingest', {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: `{"instance":"${ID}","sentAt":0,"events":[${events.join(',')}]}`,
  });
  expect(response.status).toBe(200);
  return (await response.json()) as IngestAnswer;
}

const letters = () =>
  project.admin<{ event_id: string | null; detail: string; payload: unknown }[]>`
    select event_id, detail, payload from kavach.dead_letters where org_id = ${organisation.id} order by id`;

/** What is kept of a bad event. @param event as JSON */
async function letter(event: string): Promise<{ detail: string; payload: unknown }> {
  expect(await send(event)).toMatchObject({ accepted: 0, rejected: [{ index: 0, reason: 'invalid' }] });
  return (await letters()).at(-1)!;
}

describe('checkEvents', () => {
  it('keeps the good ones, and knows the places of all', async () => {
    const good = { ...NOTE, at: Date.now() };
    const bad = { ...NOTE, at: -1 };
    const events = [good, bad, 'x', { ...good, at: good.at + 86_400_000 }];
    const { accepted, rejected } = await send(...events.map((event) => JSON.stringify(event)));
    const [number, object] = [expect.stringMatching(/^at: Too small/), expect.stringContaining('expected object')];
    expect(accepted).toBe(1);
    expect(rejected.toSorted((a, b) => a.index - b.index)).toEqual([
      { index: 1, id: ID, reason: 'invalid', detail: number },
      { index: 2, id: null, reason: 'invalid', detail: object },
      expect.objectContaining({ index: 3, reason: 'clock_skew' }),
    ]);
    expect(await letters()).toEqual(
      expect.arrayContaining([
        { event_id: ID, detail: number, payload: bad },
        { event_id: null, detail: object, payload: 'x' },
      ]),
    );
  });

  it('names all that is wrong', async () => {
    const { detail } = await letter(JSON.stringify({ ...NOTE, at: -1, foo: 1 }));
    expect(detail).toMatch(/at: Too small.*; Unrecognized key: "foo"/);
  });

  it('does not let an event choose its place', async () => {
    expect((await letter(JSON.stringify({ ...NOTE, index: 7 }))).detail).toBe('Unrecognized key: "index"');
  });

  it('keeps a large payload as its beginning', async () => {
    const { payload } = await letter(JSON.stringify({ ...NOTE, prompt: 'x'.repeat(20_000) }));
    expect(payload).toHaveLength(8_000);
    expect(payload).toContain('"type":"denied"');
  });

  it('survives what is nested a hundred thousand deep', async () => {
    const abyss = '['.repeat(100_000) + ']'.repeat(100_000);
    for (const event of [abyss, JSON.stringify({ ...NOTE, agent: null }).replace('null', abyss)]) {
      expect((await letter(event)).payload).toBe('(nested too deeply to be kept)');
    }
  });

  it('makes dead letters that PostgreSQL can store, of anything', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '\0', '\ud83e', '\udde8', '"', '\\', 'é') });
    const event = fc.oneof(text, fc.record({ id: text, agent: text }), fc.dictionary(text, text), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 20 }), async (events) => {
        const { accepted, rejected } = await send(...events.map((value) => JSON.stringify(value)));
        expect([accepted, rejected.length]).toEqual([0, events.length]);
      }),
    );
  });
});
