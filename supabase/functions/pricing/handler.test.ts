import type { PriceList } from '@agentkavach/core/pricing';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../_shared/database.ts';
import type { Dependencies } from '../_shared/dependencies.ts';
import { handler } from './handler.ts';

const DAY = 86_400_000;
/** Nobody is there: an answer from it would be a 503. */
const database = openDatabase('postgres://postgres:x@127.0.0.1:1/postgres');
let now: number;
let deps: Dependencies;
beforeEach(() => {
  now = Date.UTC(2026, 10, 23, 12);
  deps = {
    settings: { supabaseUrl: 'https://project.example', anonKey: 'anon' },
    database,
    fetch: () => Promise.reject(new TypeError('no network')),
    now: () => now,
  };
});
afterAll(() => database.end());

describe('GET /pricing', () => {
  it('lists the catalog to anybody, and may be cached', async () => {
    const response = await handler(deps).request('/pricing');
    const list = (await response.json()) as PriceList;
    expect([response.status, response.headers.get('cache-control'), response.headers.get('content-type')]).toEqual([
      200,
      'public, max-age=3600',
      'application/json',
    ]);
    expect(list.models.length).toBeGreaterThan(400);
    expect(list.models).toContainEqual(
      expect.objectContaining({
        provider: 'openai',
        model: 'gpt-4o',
        rates: { input: 2.5, cacheRead: 1.25, output: 10 },
      }),
    );
  });

  it('is not sent twice to who has it', async () => {
    const app = handler(deps);
    const etag = (await app.request('/pricing')).headers.get('etag')!;
    expect(etag).toMatch(/^"[0-9a-f]{24}"$/);
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const response = await app.request('/pricing', { headers: { 'if-none-match': header } });
      expect([response.status, response.headers.get('etag'), await response.text()]).toEqual([304, etag, '']);
      expect(response.headers.get('cache-control')).toBe('public, max-age=3600');
    }
    const response = await app.request('/pricing', { headers: { 'if-none-match': '"other"' } });
    expect(response.status).toBe(200);
  });

  it('changes with the day on which a price begins', async () => {
    const app = handler(deps);
    const tags = new Set<string | null>();
    for (now = Date.UTC(2024, 0, 1); now < Date.UTC(2026, 11, 1); now += 30 * DAY)
      tags.add((await app.request('/pricing')).headers.get('etag'));
    expect(tags.size).toBeGreaterThan(1);
    const first = (await app.request('/pricing')).headers.get('etag');
    now += 1;
    expect((await app.request('/pricing')).headers.get('etag')).toBe(first);
  });
});
