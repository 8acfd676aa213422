/** The project's auth server, asked over HTTP. Its refusals come back as our errors. */
import { z } from 'zod';
import { ApiError } from '../_shared/api-error.ts';
import type { Dependencies } from '../_shared/dependencies.ts';

const TIMEOUT_MS = 10_000;
/** The auth server's answers are some kilobytes; what is longer is not one. */
const LONGEST = 200_000;

/** Both shapes in which the auth server refuses: today's, and that of its older versions and of OAuth. */
const refusal = z.object({
  error_code: z.string().max(100).optional(),
  code: z.union([z.string(), z.number()]).optional(),
  msg: z.string().max(1_000).optional(),
  error: z.string().max(100).optional(),
  error_description: z.string().max(1_000).optional(),
  message: z.string().max(1_000).optional(),
});

/** A request to the auth server. */
export interface AuthRequest {
  readonly method: 'POST' | 'PUT';
  /** With its query: `/token?grant_type=password`. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** A user's access token; else the request is the project's own. */
  readonly token?: string | undefined;
}

/**
 * Asks the auth server.
 *
 * @returns the JSON of its answer
 * @throws ApiError with the auth server's status and code where it refuses; 503 `auth_unavailable` where it does not answer
 */
export async function askAuthServer(deps: Dependencies, request: AuthRequest): Promise<unknown> {
  const { supabaseUrl, anonKey } = deps.settings;
  let response: Response;
  let text: string;
  try {
    response = await deps.fetch(`${supabaseUrl}/auth/v1${request.path}`, {
      method: request.method,
      headers: {
        apikey: anonKey,
        authorization: `Bearer ${request.token ?? anonKey}`,
        'content-type': 'application/json',
        'x-supabase-api-version': '2024-01-01',
      },
      body: JSON.stringify(request.body),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await response.text();
  } catch {
    throw unavailable();
  }
  if (text.length > LONGEST) throw unavailable();
  const answer = parse(text);
  if (response.ok) return answer;
  throw refused(response, answer);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refused(response: Response, answer: unknown): ApiError {
  const { success, data } = refusal.safeParse(answer);
  // What is wrong with the auth server itself is nothing that a caller could mend.
  if (!success || response.status < 400 || response.status >= 500) return unavailable();
  const code =
    data.error_code ?? data.error ?? (typeof data.code === 'string' ? data.code : undefined) ?? 'auth_refused';
  const message = data.msg ?? data.error_description ?? data.message ?? 'The auth server refused the request.';
  const wait = response.headers.get('retry-after');
  return new ApiError(response.status, code, message, undefined, wait === null ? {} : { 'retry-after': wait });
}

function unavailable(): ApiError {
  return new ApiError(
    503,
    'auth_unavailable',
    'The auth server did not answer as it should. Try again soon.',
    undefined,
    {
      'retry-after': '5',
    },
  );
}
