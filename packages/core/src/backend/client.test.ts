import { inspect } from 'node:util';
import type { RequestListener, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { BackendError } from '../wire/backend-error.ts';
import { REJECTIONS } from '../wire/index.ts';
import { BackendClient, type BackendClientOptions } from './client.ts';
import { FakeBackend, REQUEST } from '../../test/backend/control/fake-backend.ts';
import { bodyOf, loopback, type Loopback } from '../../test/backend/control/loopback.ts';

const KEY = `ak_dev_${'k3y'.repeat(14)}ab`;
const ANSWER = new FakeBackend(() => Date.UTC(2026, 0, 1)).present();

const servers: Loopback[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function clientOf(listener: RequestListener, options: Partial<BackendClientOptions> = {}) {
  const server = await loopback(listener);
  servers.push(server);
  return { server, client: new BackendClient({ url: server.url, apiKey: KEY, timeoutMs: 5_000, ...options }) };
}

function json(response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

async function failureOf(work: Promise<unknown>): Promise<BackendError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(BackendError);
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(KEY);
  return error as BackendError;
}

describe('what is sent', () => {
  it('goes to the resource, with the key in a header and nowhere else', async () => {
    const seen: unknown[] = [];
    const { client, server } = await clientOf((request, response) => {
      void bodyOf(request).then(({ value }) => {
        seen.push([request.method, request.url, request.headers.authorization, value]);
        json(response, 200, ANSWER);
      });
    });
    expect(await client.connect(REQUEST)).toEqual(ANSWER);
    const authorization = `Bearer ${KEY}`;
    expect(seen).toEqual([['POST', '/functions/v1/connect', authorization, REQUEST]]);
    expect(inspect(client, { depth: 9, showHidden: true })).not.toContain(KEY);
    expect(JSON.stringify(client)).not.toContain(KEY);
    expect(server.count).toBe(1);
  });

  it('is gzipped from 4 kB on', async () => {
    const sizes: number[] = [];
    const { client } = await clientOf((request, response) => {
      void bodyOf(request).then(({ value, bytes }) => {
        sizes.push(bytes, JSON.stringify(value).length);
        json(response, 200, ANSWER);
      });
    });
    await client.connect(REQUEST);
    await client.connect({ ...REQUEST, budgets: Array.from({ length: 50 }, () => REQUEST.budgets[0]!) });
    const [small, smallText, packed, text] = sizes;
    expect(small).toBe(smallText);
    expect(text).toBeGreaterThan(4_096);
    expect(packed).toBeLessThan(1_000);
  });

  it('is not sent where the backend would not take so much', async () => {
    const { client, server } = await clientOf((_request, response) => json(response, 200, ANSWER));
    const error = await failureOf(client.connect({ ...REQUEST, sdk: 'x'.repeat(8_000_001) }));
    expect(error.kind).toBe('refused');
    expect(server.count).toBe(0);
  });

  it('changes a limit, whether the answer has a body or none', async () => {
    const seen: unknown[] = [];
    const { client } = await clientOf((request, response) => {
      void bodyOf(request).then(({ value }) => {
        seen.push([request.method, request.url, value]);
        if (seen.length === 1) response.writeHead(204).end();
        else json(response, 200, { id: 'b1' });
      });
    });
    await client.setLimit('b1/../x', 12.5);
    await client.setLimit('b1', 1);
    expect(seen).toEqual([
      ['PATCH', '/functions/v1/budgets/b1%2F..%2Fx', { limit: 12.5 }],
      ['PATCH', '/functions/v1/budgets/b1', { limit: 1 }],
    ]);
  });
});

const wire = (code: string, details?: unknown) => ({ error: { code, message: `About ${KEY}\u0007.`, details } });
const IN_TEN_SECONDS = (): string => new Date(Date.now() + 10_000).toUTCString();

describe('a failed answer', () => {
  const rows: [string, number, unknown, Record<string, string>, Partial<BackendError>][] = [
    ['500', 500, wire('internal'), {}, { kind: 'unavailable', status: 500, code: 'internal' }],
    ['503 with a wait', 503, {}, { 'retry-after': '7' }, { kind: 'unavailable', retryAfterMs: 7_000 }],
    ['429', 429, wire('burst'), { 'retry-after': '2' }, { kind: 'throttled', retryAfterMs: 2_000, code: 'burst' }],
    ['429 for a year', 429, wire('burst'), { 'retry-after': '31536000' }, { kind: 'throttled', retryAfterMs: 300_000 }],
    ['429 until long ago', 429, {}, { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, { retryAfterMs: 0 }],
    ['429 until soon or never', 429, {}, { 'retry-after': 'soon' }, { kind: 'throttled', retryAfterMs: undefined }],
    ['401 of a revoked key', 401, wire('key_revoked'), {}, { kind: 'rejected', reason: 'key_revoked' }],
    ['401 of an unknown key', 401, wire('key_invalid'), {}, { kind: 'rejected', reason: 'key_revoked' }],
    ['401 of an expired key', 401, wire('key_expired'), {}, { kind: 'rejected', reason: 'key_revoked' }],
    ['401 of a gateway', 401, { code: 401, message: 'Invalid JWT' }, {}, { kind: 'rejected', reason: undefined }],
    ['402', 402, {}, {}, { kind: 'rejected', reason: undefined }],
    ['403', 403, wire('forbidden'), {}, { kind: 'rejected', reason: undefined }],
    ['403 unknown', 403, wire('x', { reason: 'constructor' }), {}, { kind: 'rejected', reason: undefined }],
    ['409', 409, wire('organization_required'), {}, { kind: 'unavailable' }],
    ['415', 415, {}, {}, { kind: 'refused' }],
    ['400', 400, wire('malformed_json'), {}, { kind: 'refused' }],
    ['404 of a gateway', 404, { code: 'NOT_FOUND' }, {}, { kind: 'unavailable', code: undefined }],
    ['413', 413, wire('too_large'), {}, { kind: 'refused' }],
    ['422 with a list', 422, wire('invalid', [{ path: 'agent' }]), {}, { kind: 'refused', code: 'invalid' }],
    ['a code that is none', 422, { error: { code: 'a b'.repeat(50), message: 7 } }, {}, { code: undefined }],
    ...REJECTIONS.flatMap((reason): typeof rows => [
      [`403 ${reason}`, 403, wire('x', { reason }), {}, { kind: 'rejected', reason }],
      [
        `429 ${reason}`,
        429,
        wire('x', { reason }),
        { 'retry-after': '9' },
        { kind: 'rejected', reason, retryAfterMs: 9_000 },
      ],
    ]),
  ];
  it.each(rows)('%s', async (_name, status, body, headers, expected) => {
    const { client, server } = await clientOf((_request, response) => json(response, status, body, headers));
    const error = await failureOf(client.connect(REQUEST));
    expect(error).toMatchObject({ status, ...expected });
    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect(server.count).toBe(1); // nothing is tried twice
  });

  it.each([
    [403, 'limit_managed', 'refused'],
    [404, 'budget_not_found', 'refused'],
    [422, 'invalid_limit', 'refused'],
    [401, 'key_revoked', 'rejected'],
    [500, 'internal', 'unavailable'],
  ])('to a change of a limit, which is sent once: %i %s is %s', async (status, code, kind) => {
    const { client } = await clientOf((_request, response) => json(response, status, wire(code)));
    expect(await failureOf(client.setLimit('b1', 5))).toMatchObject({ kind, status, code });
  });

  it('waits until a date', async () => {
    const headers = { 'retry-after': IN_TEN_SECONDS() };
    const { client } = await clientOf((_request, response) => json(response, 429, {}, headers));
    const { retryAfterMs } = await failureOf(client.connect(REQUEST));
    expect(retryAfterMs).toBeGreaterThan(5_000);
    expect(retryAfterMs).toBeLessThanOrEqual(10_000);
  });

  it('of a proxy, in HTML and without end, is known by its status', async () => {
    const { client } = await clientOf((_request, response) => {
      response.writeHead(502, { 'content-type': 'text/html' }).write('<html>Bad gateway');
    });
    expect(await failureOf(client.connect(REQUEST))).toMatchObject({ kind: 'unavailable', status: 502 });
  });
});

describe('an answer that is none', () => {
  const text = JSON.stringify(ANSWER);
  const rows: [string, RequestListener][] = [
    ['HTML', (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>')],
    ['no type', (_request, response) => response.writeHead(200).end(text)],
    ['a type that only begins so', (_request, response) => response.writeHead(200, { 'content-type': 'application/jsonp' }).end(text)],
    ['JSON that breaks off', (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(text.slice(0, -9))],
    ['nothing', (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end()],
    ['no content', (_request, response) => response.writeHead(204).end()],
    ['null', (_request, response) => json(response, 200, null)],
    ['a list', (_request, response) => json(response, 200, [])],
    ['20 MB', (_request, response) => json(response, 200, { ...ANSWER, more: 'x'.repeat(20_000_000) })],
    ['an amount beyond all numbers', (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(text.replace('"limit":1000', '"limit":1e999'))],
  ]; // prettier-ignore
  it.each(rows)('%s', async (_name, listener) => {
    const { client } = await clientOf(listener);
    expect(await failureOf(client.connect(REQUEST))).toMatchObject({ kind: 'garbage' });
  });
});

describe('no answer', () => {
  it('where nobody listens', async () => {
    const { client, server } = await clientOf(() => undefined);
    await server.stop();
    const error = await failureOf(client.connect(REQUEST));
    expect(error).toMatchObject({ kind: 'unavailable', status: undefined });
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('where the connection breaks in the middle', async () => {
    const { client } = await clientOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
      response.write('{"organisation":', () => response.destroy());
    });
    expect(await failureOf(client.connect(REQUEST))).toMatchObject({ kind: 'unavailable' });
  });

  it('where it comes byte by byte', async () => {
    const drips: NodeJS.Timeout[] = [];
    const { client } = await clientOf(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        drips.push(setInterval(() => response.write(' '), 10));
      },
      { timeoutMs: 150 },
    );
    const error = await failureOf(client.connect(REQUEST));
    for (const drip of drips) clearInterval(drip);
    expect(error).toMatchObject({ kind: 'unavailable' });
    expect(error.message).toContain('150 ms');
  });

  it('where it is not waited for', async () => {
    const abort = new AbortController();
    const { client } = await clientOf(() => abort.abort());
    expect(await failureOf(client.connect(REQUEST, { signal: abort.signal }))).toMatchObject({ kind: 'unavailable' });
    expect(await failureOf(client.connect(REQUEST, { signal: AbortSignal.abort() }))).toMatchObject({
      kind: 'unavailable',
    });
  });

  it.each([301, 302, 307, 308])('where it points elsewhere (%i): the key does not travel there', async (status) => {
    const { server: elsewhere } = await clientOf((_request, response) => json(response, 200, ANSWER));
    const { client } = await clientOf((_request, response) => {
      response.writeHead(status, { location: `${elsewhere.url}/functions/v1/connect` }).end();
    });
    expect(await failureOf(client.connect(REQUEST))).toMatchObject({ kind: 'unavailable' });
    expect(elsewhere.count).toBe(0);
  });

  it('and what a fetch of one’s own says of it does not show the key', async () => {
    const fetch = async (): Promise<never> => {
      throw new Error(`Bearer ${KEY} is no header`, { cause: new Error(`see ${KEY}`) });
    };
    const { client } = await clientOf(() => undefined, { fetch });
    expect(await failureOf(client.connect(REQUEST))).toMatchObject({ kind: 'unavailable' });
  });
});

describe('options', () => {
  const wrong: [string, Partial<BackendClientOptions>, string][] = [
    ['no address', { url: 'kavach' }, 'url'],
    ['plain HTTP', { url: 'http://example.com' }, 'url'],
    ['plain HTTP to a name that looks near', { url: 'http://127.0.0.1.example.com' }, 'url'],
    ['plain HTTP to a name that ends near', { url: 'http://notlocalhost' }, 'url'],
    ['another protocol', { url: 'ftp://localhost' }, 'url'],
    ['a password', { url: 'https://user:secret@example.com' }, 'url'],
    ['a query', { url: 'https://example.com/?apikey=secret' }, 'url'],
    ['a fragment', { url: 'https://example.com/#secret' }, 'url'],
    ['an empty key', { apiKey: '' }, 'apiKey'],
    ['a key with a line end', { apiKey: 'ak_dev_secret\n' }, 'apiKey'],
    ['a key with an umlaut', { apiKey: 'ak_dev_secretü' }, 'apiKey'],
    ['no time', { timeoutMs: 0 }, 'timeoutMs'],
    ['no number', { timeoutMs: Number.NaN }, 'timeoutMs'],
    ['too much time', { timeoutMs: Number.POSITIVE_INFINITY }, 'timeoutMs'],
  ];
  it.each(wrong)('%s is refused', (_name, options, path) => {
    const make = (): unknown => new BackendClient({ url: 'https://example.com', apiKey: KEY, ...options });
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(expect.objectContaining({ path, message: expect.not.stringContaining('secret') }));
  });

  const right: [string, string][] = [
    ['https://x.supabase.co', 'https://x.supabase.co/functions/v1/connect'],
    ['https://x.supabase.co/', 'https://x.supabase.co/functions/v1/connect'],
    ['https://x.supabase.co/functions', 'https://x.supabase.co/functions/v1/connect'],
    ['https://x.supabase.co/functions/', 'https://x.supabase.co/functions/v1/connect'],
    ['https://x.supabase.co/functions/v1', 'https://x.supabase.co/functions/v1/connect'],
    ['https://x.supabase.co/functions/v1//', 'https://x.supabase.co/functions/v1/connect'],
    ['https://example.com:8443/kavach/', 'https://example.com:8443/kavach/functions/v1/connect'],
    ['http://localhost:54321', 'http://localhost:54321/functions/v1/connect'],
    ['http://api.localhost', 'http://api.localhost/functions/v1/connect'],
    ['http://127.0.0.1:1', 'http://127.0.0.1:1/functions/v1/connect'],
    ['http://127.1', 'http://127.0.0.1/functions/v1/connect'],
    ['http://[::1]:1', 'http://[::1]:1/functions/v1/connect'],
  ];
  it.each(right)('%s leads to %s', async (url, expected) => {
    const asked: unknown[] = [];
    const fetch = async (input: unknown): Promise<Response> => {
      asked.push(input);
      return Response.json(ANSWER);
    };
    await new BackendClient({ url, apiKey: KEY, fetch }).connect(REQUEST);
    expect(asked).toEqual([expected]);
  });
});
