/**
 * What every function's HTTP surface has in common: one shape of error, bodies with limits, CORS and headers.
 *
 * @example const app = createApp('/status'); app.get('/', (c) => c.json({ status: 'ok' }));
 */
import { Hono, type Context } from 'hono';
import type { WireError } from '@agentkavach/core/wire';
import type { ZodType } from 'zod';
import { ApiError } from './api-error.ts';
import { databaseProblem } from './database-problem.ts';
import { faultLine, faultsOf } from './faults.ts';
import { readText } from './read-body.ts';
import { redact } from './redact.ts';

export { ApiError };

/**
 * The response to whatever was thrown: an `ApiError` as it is, an error that the database raised for the API with its
 * status, an unreachable database as 503, and all else as a 500 that says nothing but reaches the log.
 */
export function problem(error: unknown): Response {
  if (error instanceof ApiError) return errorResponse(error);
  const known = databaseProblem(error);
  if (known !== undefined) {
    // Where the database is away, the stack says nothing, a hundred times a second.
    if (known.status >= 500) console.error(`[agentkavach] ${known.code}: ${redact(error).split('\n')[0] ?? ''}`);
    return errorResponse(known);
  }
  console.error(`[agentkavach] unexpected error: ${redact(error)}`);
  return errorResponse({ status: 500, code: 'internal', message: 'Something went wrong here. Try again later.' });
}

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

function errorResponse({ status, code, message, details, headers }: Problem): Response {
  const body: WireError = { error: { code, message, ...(details === undefined ? {} : { details }) } };
  return Response.json(body, { status, headers: { ...headers } });
}

// Callers send their credentials in a header, never in a cookie, so any origin may ask.
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'etag, retry-after',
};
const PREFLIGHT = {
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
  'access-control-allow-headers':
    'authorization, apikey, content-type, content-encoding, if-none-match, x-client-info, x-kavach-org',
  'access-control-max-age': '86400',
};
const SECURITY = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
};

/**
 * An app for one resource. Errors and unknown paths are answered as JSON, and nothing is cached unless the handler sets
 * `cache-control` itself.
 *
 * @param basePath with its slash: `/ingest`
 */
export function createApp(basePath: string): Hono {
  // It returns Hono's base class, which has all that its name promises.
  const app = new Hono({ strict: false }).basePath(basePath) as unknown as Hono;
  app.use('*', async (c, next) => {
    if (c.req.method === 'OPTIONS') c.res = new Response(null, { status: 204, headers: PREFLIGHT });
    else await next();
    for (const [name, value] of Object.entries({ ...CORS, ...SECURITY })) c.res.headers.set(name, value);
    if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
  });
  app.notFound((c) => problem(new ApiError(404, 'not_found', `There is no ${c.req.method} ${c.req.path} here.`)));
  app.onError(problem);
  return app;
}

/**
 * The body as checked JSON; `content-encoding: gzip` is unpacked.
 *
 * @param limits `maxBytes` holds for the body as it was sent and as it is unpacked
 * @throws ApiError 400 `malformed_json`, `malformed_gzip` or `malformed_body`, 413 `body_too_large`, 415
 * `unsupported_encoding`, 422 `invalid` with `details: [{ path, message }]`
 */
export async function readJson<T>(c: Context, schema: ZodType<T>, limits: { readonly maxBytes: number }): Promise<T> {
  const text = await readText(c.req.raw, limits.maxBytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ApiError(400, 'malformed_json', text === '' ? 'The body is empty.' : 'The body is not JSON.');
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const details = faultsOf(result.error);
  throw new ApiError(
    422,
    'invalid',
    `The body is not valid. ${details[0] === undefined ? '' : faultLine(details[0])}`,
    details,
  );
}

/** The answer that the database has written as JSON: passed on as it is. */
export function answerJson(c: Context, rows: readonly { readonly answer: string }[]): Response {
  const [row] = rows;
  if (row === undefined) throw new Error('The database returned no answer.');
  return c.body(row.answer, 200, { 'content-type': 'application/json' });
}
