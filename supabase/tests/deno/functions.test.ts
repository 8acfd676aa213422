/** Every function as it is deployed, its `index.ts`, on the Deno of Supabase's edge runtime, against a real database. */
import { decodeJwt } from 'jose';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gzipSync } from 'node:zlib';
import { addAgent, addRun } from '../../functions/_operator/testing/records.ts';
import { openProject, type TestProject } from '../../functions/_shared/testing/project.ts';
import { functionNames, ROOT } from '../deploy/functions.ts';
import { PINNED, startOnDeno, type DenoProcess } from './deno-process.ts';
import { ANSWERED_BY } from './protocol.ts';
import { send } from './send.ts';

const INSTANCE = 'c0ffee00-0000-4000-8000-000000000001';
const FUNCTIONS = join(ROOT, 'supabase/functions');

/** What a function answers when all is well: path, body, and a part of the answer. */
const HAPPY: Readonly<Record<string, { path: string; body?: unknown; answer: Record<string, unknown> }>> = {
  agents: { path: '/agents/bot', answer: { name: 'bot', killed: false, budgets: [], kills: [] } },
  alerts: { path: '/alerts/rules', answer: { items: [], nextCursor: null } },
  auth: {
    path: '/auth/login',
    body: { email: 'ada@example.com', password: 'correct horse battery' },
    answer: { session: { refreshToken: 'again' }, organisations: [{ name: 'Test', role: 'owner' }] },
  },
  billing: { path: '/billing/plan', answer: { plan: { id: 'max' }, configured: true } },
  budgets: {
    path: '/budgets',
    body: { agent: 'bot', period: 'daily', limit: 0.123456789 },
    answer: { agent: 'bot', limit: 0.123456789, managedBy: 'operator' },
  },
  connect: {
    path: '/connect',
    body: { sdk: '0.1.0', instance: INSTANCE, agent: 'bot', budgets: [] },
    answer: { state: { agent: 'bot', killed: false }, realtime: { apiKey: 'anon' } },
  },
  dashboard: { path: '/dashboard/stats', answer: { organisation: { name: 'Test' }, agents: { total: 1, killed: 0 } } },
  ingest: {
    path: '/ingest',
    body: { instance: INSTANCE, sentAt: 0, events: [{ nonsense: true }] },
    answer: { accepted: 0, rejected: [{ index: 0, reason: 'invalid' }] },
  },
  keys: { path: '/keys', body: { name: 'Ops' }, answer: { name: 'Ops', key: expect.stringMatching(/^ak_prod_/) } },
  leases: { path: '/leases', body: { instance: INSTANCE, agent: 'bot', leases: [] }, answer: { leases: [] } },
  pricing: { path: '/pricing', answer: { currency: 'USD', date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) } },
  runs: { path: '/runs/RUN', answer: { runId: 'nightly', agent: 'bot', cost: 0.5 } },
  status: { path: '/status', answer: { status: 'ok', database: { status: 'ok' } } },
};

let project: TestProject;
let key: string;
let run: string;
let session: object;
const authServer = createServer((_, response) => response.end(JSON.stringify(session))).listen(0, '127.0.0.1');
beforeAll(async () => {
  project = await openProject();
  const organisation = await project.organisation();
  key = await organisation.key('sdk', 'read', 'control', 'admin');
  const token = await organisation.member('owner');
  const user = { id: decodeJwt(token).sub, email: 'ada@example.com' };
  session = { access_token: token, refresh_token: 'again', expires_in: 3_600, user };
  const agent = await addAgent(project.admin, organisation.id, 'bot');
  const startedAt = new Date();
  run = await addRun(project.admin, organisation.id, agent, { runId: 'nightly', startedAt, cost: 0.5 });
});
afterAll(async () => {
  authServer.close();
  await project.end();
});

/** A function in the environment that Supabase and its owner give to it, and an auth server behind its `fetch`. */
async function start(name: string): Promise<DenoProcess> {
  if (!authServer.listening) await once(authServer, 'listening');
  return startOnDeno(join(FUNCTIONS, name, 'index.ts'), {
    config: join(FUNCTIONS, name, 'deno.json'),
    env: {
      SUPABASE_URL: `http://127.0.0.1:${(authServer.address() as AddressInfo).port}`,
      SUPABASE_ANON_KEY: 'anon',
      SUPABASE_DB_URL: project.url,
      KAVACH_JWT_SECRET: 'a-secret-of-more-than-thirty-two-characters',
      KAVACH_DASHBOARD_URL: 'https://kavach.example',
      STRIPE_SECRET_KEY: 'sk_test_secret',
      STRIPE_WEBHOOK_SECRET: 'whsec_test',
      STRIPE_PRICE_PRO: 'price_pro',
      STRIPE_PRICE_MAX: 'price_max',
    },
  });
}

describe.each(functionNames())('the function %s on Deno', (name) => {
  let running: DenoProcess;
  beforeAll(async () => {
    running = await start(name);
  });
  afterAll(() => running.stop());

  it('answers an unknown path as JSON', async () => {
    const response = await fetch(`${running.url}/${name}/no/such/path`);
    expect([response.status, await response.json()]).toEqual([
      404,
      { error: expect.objectContaining({ code: 'not_found' }) },
    ]);
    expect(response.headers.get(ANSWERED_BY)).toBe(PINNED);
  });

  it('answers a preflight', async () => {
    const response = await fetch(`${running.url}/${name}`, { method: 'OPTIONS' });
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
  });

  it('does what it is for', async () => {
    const { path, body, answer } = HAPPY[name]!;
    const packed = body === undefined ? null : gzipSync(JSON.stringify(body));
    const response = await fetch(`${running.url}${path.replace('RUN', run)}`, {
      method: packed === null ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}`, ...(packed === null ? {} : { 'content-encoding': 'gzip' }) },
      body: packed,
    });
    expect({ ok: response.ok, answer: await response.json() }).toMatchObject({ ok: true, answer });
  });

  it('has tests of its handler, which run on Deno too', () => {
    expect(existsSync(join(FUNCTIONS, name, 'handler.test.ts'))).toBe(true);
  });
});

describe('a function on Deno', () => {
  it('says which variable is missing, and ends', async () => {
    const [module, config] = ['index.ts', 'deno.json'].map((file) => join(FUNCTIONS, 'status', file));
    await expect(
      startOnDeno(module!, { config: config!, env: { SUPABASE_URL: 'https://project.example' } }),
    ).rejects.toThrow('The environment variable SUPABASE_ANON_KEY is missing.');
  });

  it('stops 50 MB, also where they arrive as a few thousand bytes', async () => {
    const running = await start('ingest');
    try {
      const large = Buffer.alloc(50_000_000, 32);
      for (const [body, headers] of [
        [large, {}],
        [gzipSync(large), { 'content-encoding': 'gzip' }],
      ] as const) {
        const response = await send(`${running.url}/ingest`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, ...headers },
          body,
        });
        expect([response.status, await response.json()]).toEqual([
          413,
          { error: expect.objectContaining({ code: 'body_too_large' }) },
        ]);
      }
    } finally {
      await running.stop();
    }
  });
});
