import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest';
import { z } from 'zod';
import { ApiError, createApp, problem, readJson } from './http.ts';

const LIMIT = 10_000;
const schema = z.strictObject({ name: z.string(), list: z.array(z.unknown()).optional() });

const app = createApp('/thing');
app.post('/', async (c) => c.json(await readJson(c, schema, { maxBytes: LIMIT })));
app.get('/boom', () => {
  throw new Error('the password is ak_prod_abcdef in postgres://postgres:geheim@db:5432/x');
});
app.get('/cached', (c) => c.text('x', 200, { 'cache-control': 'public, max-age=60' }));

const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  app.request('/thing', {
    method: 'POST',
    body,
    headers,
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  });

const codeOf = async (response: Response) => {
  const { error } = (await response.json()) as { error: { code: string } };
  return [response.status, error.code];
};

let log: MockInstance;
beforeEach(() => {
  log = vi.spyOn(console, 'error').mockReturnValue();
});
afterEach(() => {
  log.mockRestore();
});

/** What the driver throws, as far as we read it. */
function raised(code: string, message: string, detail?: unknown): Error {
  return Object.assign(new Error(message), {
    code,
    detail: typeof detail === 'string' ? detail : JSON.stringify(detail),
  });
}

describe('createApp', () => {
  it('answers from any origin, without caching, with the headers of an API', async () => {
    const { headers } = await post('{"name":"a"}');
    expect(Object.fromEntries(headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    });
  });

  it('answers a preflight without running anything', async () => {
    const response = await app.request('/thing/boom', { method: 'OPTIONS' });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-headers')).toContain('x-kavach-org');
    expect(response.headers.get('access-control-allow-methods')).toContain('DELETE');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
  });

  it('leaves a handler its own caching', async () => {
    const response = await app.request('/thing/cached');
    expect(response.headers.get('cache-control')).toBe('public, max-age=60');
  });

  it('answers what it does not have as JSON, with the same headers', async () => {
    const response = await app.request('/thing/nothing');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await codeOf(response)).toEqual([404, 'not_found']);
    expect(await codeOf(await app.request('/other'))).toEqual([404, 'not_found']);
  });

  it('takes a path with and without a slash at its end', async () => {
    expect((await app.request('/thing/', { method: 'POST', body: '{"name":"a"}' })).status).toBe(200);
  });

  it('says nothing about a fault of its own, and logs it without secrets', async () => {
    const response = await app.request('/thing/boom');
    const body = await response.clone().text();
    expect(await codeOf(response)).toEqual([500, 'internal']);
    expect(body).not.toContain('password');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const line = String(log.mock.calls[0]?.[0]);
    expect(line).toContain('the password is ak_… in postgres://…@db:5432/x');
    expect(line).not.toMatch(/abcdef|geheim/);
  });
});

describe('problem', () => {
  it('gives an ApiError as it is', async () => {
    const response = problem(new ApiError(402, 'pay', 'Pay first.', { plan: 'pro' }, { 'x-y': 'z' }));
    expect([response.status, response.headers.get('x-y'), await response.json()]).toEqual([
      402,
      'z',
      { error: { code: 'pay', message: 'Pay first.', details: { plan: 'pro' } } },
    ]);
  });

  it.each([401, 403, 404, 409, 413, 422])('gives what the database raises for the API: %i', async (status) => {
    const response = problem(raised(`KA${status}`, 'tier_agent_limit', { message: 'No more.', limit: 3 }));
    expect([response.status, await response.json()]).toEqual([
      status,
      { error: { code: 'tier_agent_limit', message: 'No more.', details: { limit: 3 } } },
    ]);
  });

  it('says when to come back', async () => {
    const response = problem(
      raised('KA429', 'burst', { message: 'Slow down.', reason: 'burst', retryAfterSeconds: 12.2 }),
    );
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '13']);
  });

  it('takes a detail that is no JSON as the sentence, and none as none', async () => {
    expect(await problem(raised('KA404', 'x', 'Not here.')).json()).toEqual({
      error: { code: 'x', message: 'Not here.' },
    });
    expect(await problem(raised('KA404', 'x')).json()).toMatchObject({ error: { code: 'x' } });
  });

  it.each([
    '57014',
    '08006',
    '57P01',
    '53300',
    '40P01',
    '25P03',
    'ECONNREFUSED',
    'CONNECT_TIMEOUT',
    'CONNECTION_CLOSED',
  ])('tells that the database is away: %s', async (code) => {
    const response = problem(raised(code, 'secret figures'));
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await response.clone().text()).not.toContain('figures');
    expect(await codeOf(response)).toEqual([503, 'database_unavailable']);
  });

  it.each([raised('42501', 'permission denied'), raised('KA500', 'x'), raised('23505', 'x'), 'a string', undefined])(
    'answers anything else with 500: %s',
    async (error) => {
      expect(await codeOf(problem(error))).toEqual([500, 'internal']);
    },
  );
});

describe('readJson', () => {
  it('reads JSON, packed or not', async () => {
    for (const response of [
      await post('{"name":"ä"}'),
      await post(gzipSync('{"name":"ä"}'), { 'content-encoding': 'gzip' }),
      await post('{"name":"ä"}', { 'content-encoding': 'identity' }),
    ]) {
      expect([response.status, await response.json()]).toEqual([200, { name: 'ä' }]);
    }
  });

  it.each([
    ['no body', '', {}, 400, 'malformed_json'],
    ['half of it', '{"name":', {}, 400, 'malformed_json'],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0xfe, 0x22]), {}, 400, 'malformed_json'],
    ['not gzip', '{"name":"a"}', { 'content-encoding': 'gzip' }, 400, 'malformed_gzip'],
    ['half of a gzip', gzipSync('{"name":"a"}').subarray(0, 20), { 'content-encoding': 'gzip' }, 400, 'malformed_gzip'],
    [
      'more behind the gzip',
      Buffer.concat([gzipSync('{"name":"a"}'), Buffer.from('x')]),
      { 'content-encoding': 'gzip' },
      400,
      'malformed_gzip',
    ],
    ['another encoding', 'x', { 'content-encoding': 'br' }, 415, 'unsupported_encoding'],
    ['twice packed', 'x', { 'content-encoding': 'gzip, gzip' }, 415, 'unsupported_encoding'],
    ['one byte too many', JSON.stringify({ name: 'a'.repeat(LIMIT - 10) }), {}, 413, 'body_too_large'],
    ['a length that says so', '{"name":"a"}', { 'content-length': '99999999' }, 413, 'body_too_large'],
  ] as const)('refuses %s', async (_, body, headers, status, code) => {
    expect(await codeOf(await post(body as BodyInit, headers))).toEqual([status, code]);
  });

  it('takes exactly what is allowed', async () => {
    const body = JSON.stringify({ name: 'a'.repeat(LIMIT - 11) });
    expect(body).toHaveLength(LIMIT);
    expect((await post(body)).status).toBe(200);
    expect((await post(gzipSync(body), { 'content-encoding': 'gzip' })).status).toBe(200);
  });

  it('stops a stream at the limit: it reads no further and tells its source', async () => {
    for (const headers of [{}, { 'content-encoding': 'gzip' }]) {
      let sent = 0;
      let cancelled = false;
      const chunk = headers['content-encoding' as keyof typeof headers]
        ? gzipSync(crypto.getRandomValues(new Uint8Array(4_000)), { level: 0 })
        : new Uint8Array(4_000).fill(32);
      const endless = new ReadableStream({
        pull: (controller) => {
          sent += chunk.byteLength;
          // The first of many gzip members is enough to be refused; plain spaces are refused at the limit.
          controller.enqueue(chunk);
        },
        cancel: () => {
          cancelled = true;
        },
      });
      const response = await post(endless, headers);
      expect([400, 413]).toContain(response.status);
      expect(sent).toBeLessThan(10 * LIMIT);
      await vi.waitFor(() => expect(cancelled).toBe(true));
    }
  });

  it('stops unpacking at the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(100_000_000, 32));
    expect(bomb.byteLength).toBeLessThan(100_000);
    const small = createApp('/big');
    small.post('/', async (c) => c.json(await readJson(c, schema, { maxBytes: 1_000_000 })));
    const before = process.memoryUsage().arrayBuffers;
    const response = await small.request('/big', {
      method: 'POST',
      body: bomb,
      headers: { 'content-encoding': 'gzip' },
    });
    expect(await codeOf(response)).toEqual([413, 'body_too_large']);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  });

  it('names what is wrong in the body, within limits', async () => {
    const response = await post(JSON.stringify({ name: 7, ['x'.repeat(5_000)]: 1 }));
    expect(response.status).toBe(422);
    const { error } = (await response.json()) as {
      error: { code: string; details: { path: string; message: string }[] };
    };
    expect(error.code).toBe('invalid');
    expect(error.details[0]).toEqual({ path: 'name', message: expect.stringContaining('expected string') });
    expect(error.details[1]?.message).toMatch(/^Unrecognized key: "x+…$/);
    expect(JSON.stringify(error).length).toBeLessThan(2_000);
  });
});
