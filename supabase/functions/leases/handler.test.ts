import type { ConnectAnswer, LeasesAnswer } from '@agentkavach/core/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handler as connectHandler } from '../connect/handler.ts';
import { openProject, type TestOrganisation, type TestProject } from '../_shared/testing/project.ts';
import { handler } from './handler.ts';

const INSTANCE = 'c0ffee00-0000-4000-8000-000000000001';
const POOL = {
  id: 'pool',
  scope: 'shared',
  name: 'team',
  unit: 'usd',
  period: 'total',
  timeZone: 'UTC',
  limit: 1_000_000,
};

let project: TestProject;
let organisation: TestOrganisation;
let key: string;
let budgetId: string;
beforeAll(async () => {
  project = await openProject();
  organisation = await project.organisation();
  key = await organisation.key();
  const answer = (
    await post(connectHandler(project.deps), '/connect', {
      sdk: '0.1.0',
      instance: INSTANCE,
      agent: 'bot',
      budgets: [POOL],
    })
  ).answer as ConnectAnswer;
  budgetId = answer.budgets[0]!.budgetId;
});
afterAll(() => project.end());

async function post(app: ReturnType<typeof handler>, path: string, body: object, token = key) {
  const response = await app.request(path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as unknown };
}

const lease = (fields: object) => ({
  budgetId,
  leaseId: crypto.randomUUID(),
  seq: 1,
  windowStart: null,
  used: 0,
  hold: 0,
  want: 1_000,
  need: 100,
  maxCallMs: 600_000,
  close: false,
  ...fields,
});

const ask = async (...leases: object[]) => {
  const { status, answer } = await post(handler(project.deps), '/leases', { instance: INSTANCE, agent: 'bot', leases });
  return { status, ...(answer as LeasesAnswer & { error?: { code: string } }) };
};

describe('POST /leases', () => {
  it('opens, settles and closes a slice', async () => {
    const leaseId = crypto.randomUUID();
    const opened = await ask(lease({ leaseId }));
    expect(opened).toMatchObject({
      status: 200,
      state: { agent: 'bot', killed: false },
      leases: [{ leaseId, state: 'open', seq: 1, granted: 1_000, limit: POOL.limit, spent: 0, heldByOthers: 0 }],
    });
    expect(opened.leases[0]!.expiresInMs).toBeGreaterThan(50_000);
    expect((await ask(lease({ leaseId, seq: 2, used: 600, hold: 600 }))).leases[0]).toMatchObject({
      granted: 1_000,
      spent: 600,
    });
    const closed = await ask(lease({ leaseId, seq: 3, used: 700, hold: 700, close: true }));
    expect(closed.leases[0]).toMatchObject({ state: 'closed', spent: 700 });
  });

  it('counts a request once that comes twice, or late', async () => {
    const leaseId = crypto.randomUUID();
    await ask(lease({ leaseId, seq: 5, used: 10, hold: 10 }));
    const again = await ask(lease({ leaseId, seq: 5, used: 10, hold: 10 }), lease({ leaseId, seq: 4, used: 0 }));
    expect(again.leases.map(({ seq, state }) => [seq, state])).toEqual([
      [5, 'open'],
      [5, 'open'],
    ]);
    const [row] = await project.admin`select used from kavach.leases where id = ${leaseId}`;
    expect(Number(row!['used']) * 1e9).toBeCloseTo(10);
  });

  it('knows no budget of another organisation', async () => {
    const other = await (await project.organisation()).key();
    const body = { instance: INSTANCE, agent: 'spy', leases: [lease({})] };
    const { status, answer } = await post(handler(project.deps), '/leases', body, other);
    expect([status, answer]).toMatchObject([200, { leases: [{ state: 'lost', granted: 0, spent: 0, limit: 0 }] }]);
  });

  it('calls lost what it does not know: a budget, a window that is not', async () => {
    const { leases } = await ask(lease({ budgetId: crypto.randomUUID() }), lease({ windowStart: 0 }));
    expect(leases.map(({ state, limit }) => [state, limit])).toEqual([['lost', 0], ['lost', 0]]); // prettier-ignore
  });

  it.each([
    [
      'the largest amounts',
      { want: Number.MAX_SAFE_INTEGER, used: Number.MAX_SAFE_INTEGER, hold: Number.MAX_SAFE_INTEGER },
    ],
    ['a window at the end of time', { windowStart: 8.64e15 }],
    ['the largest seq', { seq: Number.MAX_SAFE_INTEGER }],
  ])('answers %s clearly', async (_, fields) => {
    const { status } = await ask(lease(fields));
    expect(status).toSatisfy((code: number) => code === 200 || (code >= 400 && code < 500));
  });

  it('refuses what can’t be, by name', async () => {
    const { status, error } = (await ask(lease({ used: -1, budgetId: 'x', extra: true }))) as unknown as {
      status: number;
      error: { code: string; details: { path: string }[] };
    };
    expect([status, error.code, error.details.map(({ path }) => path)]).toEqual([
      422,
      'invalid',
      ['leases.0.budgetId', 'leases.0.used', 'leases.0'],
    ]);
  });
});
