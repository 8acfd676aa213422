/** Every function on the Deno of Supabase's edge runtime, against a real database. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gzipSync } from 'node:zlib';
import { openProject, type TestProject } from '../../functions/_shared/testing/project.ts';
import { functionNames, ROOT } from '../deploy/functions.ts';
import { forgetCompiled, startFunction, type DenoFunction } from './deno-process.ts';

const INSTANCE = 'c0ffee00-0000-4000-8000-000000000001';

/** What a function answers when all is well: path, body, and a part of the answer. */
const HAPPY: Readonly<Record<string, { body?: unknown; answer: Record<string, unknown> }>> = {
  status: { answer: { status: 'ok', database: expect.objectContaining({ status: 'ok' }) } },
  pricing: { answer: { currency: 'USD', date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) } },
  connect: {
    body: { sdk: '0.1.0', instance: INSTANCE, agent: 'bot', budgets: [] },
    answer: {
      state: expect.objectContaining({ agent: 'bot', killed: false }),
      realtime: expect.objectContaining({ apiKey: 'anon' }),
    },
  },
  ingest: {
    body: { instance: INSTANCE, sentAt: 0, events: [{ nonsense: true }] },
    answer: { accepted: 0, rejected: [expect.objectContaining({ index: 0, reason: 'invalid' })] },
  },
  leases: { body: { instance: INSTANCE, agent: 'bot', leases: [] }, answer: { leases: [] } },
};

let project: TestProject;
let key: string;
beforeAll(async () => {
  project = await openProject();
  const organisation = await project.organisation();
  key = await organisation.key('sdk', 'read', 'control', 'admin');
});
afterAll(async () => {
  forgetCompiled();
  await project.end();
});

describe.each(functionNames())('the function %s on Deno', (name) => {
  let running: DenoFunction;
  beforeAll(async () => {
    running = await startFunction(join(ROOT, 'supabase/functions', name), {
      SUPABASE_URL: 'https://project.example',
      SUPABASE_ANON_KEY: 'anon',
      SUPABASE_DB_URL: project.url,
      KAVACH_JWT_SECRET: 'a-secret-of-more-than-thirty-two-characters',
    });
  });
  afterAll(() => running.stop());

  it('answers an unknown path as JSON', async () => {
    const response = await fetch(`${running.url}/${name}/no/such/path`);
    expect([response.status, await response.json()]).toEqual([
      404,
      { error: expect.objectContaining({ code: 'not_found' }) },
    ]);
  });

  it('answers a preflight', async () => {
    const response = await fetch(`${running.url}/${name}`, { method: 'OPTIONS' });
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
  });

  it('answers a caller with a key, and none without a reason', async () => {
    const { body, answer } = HAPPY[name] ?? {};
    const packed = body === undefined ? null : gzipSync(JSON.stringify(body));
    const response = await fetch(`${running.url}/${name}`, {
      method: packed === null ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}`, ...(packed === null ? {} : { 'content-encoding': 'gzip' }) },
      body: packed,
    });
    const got: unknown = await response.json();
    if (answer === undefined) expect([name, response.status < 500, got]).toEqual([name, true, got]);
    else expect([response.status, got]).toEqual([200, expect.objectContaining(answer)]);
  });
});

describe('a function on Deno', () => {
  it('says which variable is missing, and ends', async () => {
    const folder = join(ROOT, 'supabase/functions/status');
    await expect(startFunction(folder, { SUPABASE_URL: 'https://project.example' })).rejects.toThrow(
      'The environment variable SUPABASE_ANON_KEY is missing.',
    );
  });

  it('stops 50 MB, also where they arrive as a few thousand bytes', async () => {
    const running = await startFunction(join(ROOT, 'supabase/functions/ingest'), {
      SUPABASE_URL: 'https://project.example',
      SUPABASE_ANON_KEY: 'anon',
      SUPABASE_DB_URL: project.url,
    });
    try {
      const large = Buffer.alloc(50_000_000, 32);
      for (const [body, headers] of [
        [large, {}],
        [gzipSync(large), { 'content-encoding': 'gzip' }],
      ] as const) {
        const response = await fetch(`${running.url}/ingest`, {
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
