/** Input that a database or a parser would choke on: each is refused with its reason, none is a failure of ours. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handler as agents } from '../agents/handler.ts';
import { handler as alerts } from '../alerts/handler.ts';
import { handler as dashboard } from '../dashboard/handler.ts';
import { startFixture, type Fixture } from './testing/fixture.ts';
import { addAgent } from './testing/records.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
  await addAgent(fixture.sql, fixture.acme.id, 'bot');
});
afterAll(() => fixture[Symbol.asyncDispose]());

const cursorOf = (keys: unknown): string => btoa(JSON.stringify(keys)).replaceAll('=', '');
const ID = '00000000-0000-4000-8000-000000000000';

describe('odd input', () => {
  it.each([
    'from=0000-01-01T00:00:00Z',
    'from=1969-12-31T23:59:59Z',
    'to=2026-02-30T00:00:00Z',
    'from=2026-01-01T00:00:00',
    'from=9999-12-31T23:59:59-23:59',
    'to=9999-12-31T23:59:59-00:01',
    '__proto__=1',
    'constructor=1',
    'type=call&type=kill',
    'type=call&type=call',
    'limit=%00',
    'limit=٣',
    `cursor=${cursorOf(['0000-01-01T00:00:00.000000Z', ID])}`,
    `cursor=${cursorOf(['2026-01-01T00:00:00.000000Z', 'x'])}`,
    `cursor=${cursorOf(['2026-01-01T00:00:00.000000Z'])}`,
    `cursor=${cursorOf({})}`,
    'cursor=%F0%9F%92%A5',
  ])('in a query of events: %s', async (query) => {
    const { send, acme, deps } = fixture;
    const { status, body } = await send(agents(deps), `GET /agents/bot/events?${query}`, { as: acme.member });
    expect(body.error.code).toMatch(/^invalid/);
    expect(status).toBe(422);
  });

  it.each(['from=2026-01-01T00:00:00%2B23:00', 'to=9999-12-31T23:59:59Z', 'from=1970-01-01T00:00:00Z'])(
    'that is only unusual is taken: %s',
    async (query) => {
      const { send, acme, deps } = fixture;
      expect((await send(agents(deps), `GET /agents/bot/events?${query}`, { as: acme.member })).status).toBe(200);
    },
  );

  it('in cursors of other lists', async () => {
    const { send, acme, deps } = fixture;
    const huge = cursorOf(['2026-01-01T00:00:00.000000Z', '9'.repeat(19)]);
    const history = await send(alerts(deps), `GET /alerts/history?cursor=${huge}`, { as: acme.member });
    expect(history).toMatchObject({ status: 422, body: { error: { code: 'invalid_cursor' } } });
    const nul = await send(agents(deps), `GET /agents?cursor=${cursorOf('a\0')}`, { as: acme.member });
    expect(nul).toMatchObject({ status: 422, body: { error: { code: 'invalid_cursor' } } });
  });

  it('in a range', async () => {
    const { send, acme, deps } = fixture;
    for (const late of ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59%2B23:59']) {
      for (const granularity of ['hour', 'day']) {
        const path = `GET /dashboard/overview?to=${late}&granularity=${granularity}`;
        expect((await send(dashboard(deps), path, { as: acme.member })).status).toBe(200);
      }
    }
    const early = await send(dashboard(deps), 'GET /dashboard/overview?to=1970-01-02T00:00:00Z', { as: acme.member });
    expect(early.status).toBe(200);
  });

  it('in a template', async () => {
    const { send, acme, deps } = fixture;
    const rule = { channel: 'kill', threshold: 1 };
    const deep = (levels: number): unknown => (levels === 0 ? 'x' : [deep(levels - 1)]);
    for (const template of [
      { text: 'a\0' },
      { 'a\0': 1 },
      { text: '\ud800' },
      'half \udfff',
      { deep: deep(25) },
      { deep: deep(3_000) },
      ['text'],
      7,
    ]) {
      const { status } = await send(alerts(deps), 'POST /alerts/rules', {
        as: acme.owner,
        body: { ...rule, template },
      });
      expect(status).toBe(422);
    }
    // So deep that writing it as JSON would overflow the stack, here and there.
    const abyss = `{"channel":"kill","threshold":1,"template":{"x":${'['.repeat(7_900)}${']'.repeat(7_900)}}}`;
    const fallen = await send(alerts(deps), 'POST /alerts/rules', { as: acme.owner, body: abyss });
    expect(fallen.status).toBe(422);
    for (const template of [{ text: String.raw`\u0000`, blocks: [{ n: 1, yes: true, no: null }] }, '{agent_name} 💥']) {
      const made = await send(alerts(deps), 'POST /alerts/rules', { as: acme.owner, body: { ...rule, template } });
      expect(made).toMatchObject({ status: 201, body: { template } });
    }
  });
});
