import { afterAll, beforeAll, expect, it } from 'vitest';
import { BackendClient } from '../../../src/backend/client.ts';
import type { ConnectRequest, LeaseRequest, WireBudget, WireEvent } from '../../../src/wire/index.ts';
import { startControlBackend, type ControlBackend } from './control-backend.ts';

let backend: ControlBackend;
beforeAll(async () => {
  backend = await startControlBackend();
});
afterAll(() => backend[Symbol.asyncDispose]());

const instance = crypto.randomUUID();
const budget = (more: Partial<WireBudget>): WireBudget => ({ id: 'daily', scope: 'agent', name: null, unit: 'usd', period: 'daily', timeZone: 'UTC', limit: 1_000_000_000, ...more }); // prettier-ignore
const request = (...budgets: WireBudget[]): ConnectRequest => ({ sdk: 'js/0.1.0', instance, agent: 'bot', budgets });

it('believes every answer of the real backend: connect, ingest, leases', async () => {
  const client = new BackendClient({ url: `${backend.url}/functions/v1/`, apiKey: backend.key });
  const periods = ['hourly', 'daily', 'weekly', 'monthly', 'total'] as const;
  const own = periods.map((period) => budget({ id: period, period }));
  const users = budget({ id: 'users', scope: 'user', unit: 'tokens' });
  const shared = [budget({ id: 'team', scope: 'shared', name: 'team' }), budget({ id: 'org', scope: 'org', period: 'total' })]; // prettier-ignore
  const connected = await client.connect(request(...own, users, ...shared));
  expect(connected.budgets).toHaveLength(8);
  expect(connected.realtime?.topic).toBe(`org:${backend.organisation}:control`);

  const call: WireEvent = {
    type: 'call', id: crypto.randomUUID(), agent: 'bot', runId: 'run', at: Date.now(), startedAt: Date.now(), user: 'ü1', tags: ['t'],
    provider: 'p', model: 'm', outcome: 'completed', estimated: false, nano: 5, tokens: 7, calls: 1,
  }; // prettier-ignore
  const events = [
    call,
    call,
    { ...call, id: 'no uuid' },
    { ...call, id: crypto.randomUUID(), at: Date.now() + 900_000 },
  ];
  const ingested = await client.ingest({ instance, sentAt: Date.now(), events });
  expect(ingested).toMatchObject({ accepted: 1, duplicates: 1, agents: [{ agent: 'bot', killed: false }] });
  expect(ingested.rejected.map(({ index }) => index)).toEqual([2, 3]);

  const lease = (id: string, more: Partial<LeaseRequest>): LeaseRequest => {
    const { budgetId, windowStart } = connected.budgets.find((each) => each.id === id)!;
    return { budgetId, windowStart, leaseId: crypto.randomUUID(), seq: 1, used: 0, hold: 0, want: 1_000, need: 10, maxCallMs: 60_000, close: false, ...more }; // prettier-ignore
  };
  const opened = [lease('team', {}), lease('org', {}), lease('team', { windowStart: 0 }), lease('team', { want: 5e9, need: 5e9 })]; // prettier-ignore
  const taken = await client.leases({ instance, agent: 'bot', leases: opened });
  expect(taken.leases.map(({ state }) => state)).toEqual(['open', 'open', 'lost', 'open']);
  const closed = opened
    .slice(0, 2)
    .map((each) => ({ ...each, seq: 2, used: 4, hold: 4, want: 0, need: 0, close: true }));
  const given = await client.leases({ instance, agent: 'bot', leases: closed });
  expect(given.leases).toMatchObject([{ state: 'closed' }, { state: 'closed' }]);

  const again = await client.connect(request(...own, users, ...shared));
  expect(again.budgets.map(({ spent }) => spent.map((each) => each.spent))).toEqual([
    [5],
    [5],
    [5],
    [5],
    [5],
    [7],
    [4],
    [4],
  ]);
});
