/** Errors in the two shapes that GoTrue has: clients that send an API version get the newer one. */
import { type Context } from 'hono';
import { type ContentfulStatusCode } from 'hono/utils/http-status';
import postgres from 'postgres';

const API_VERSION = '2024-01-01';

/** What a request is refused with. `code` is one of supabase-js' `ErrorCode`s wherever there is one. */
export class AuthProblem extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: string;
  /** Milliseconds, for `Retry-After`. */
  readonly retryAfterMs: number | undefined;
  /** Why a password is too weak. */
  readonly reasons: readonly string[] | undefined;

  constructor(
    status: ContentfulStatusCode,
    code: string,
    message: string,
    more: { readonly retryAfterMs?: number; readonly reasons?: readonly string[] } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = more.retryAfterMs;
    this.reasons = more.reasons;
  }
}

/** 422 of a request that is JSON but not what was asked for. */
export const invalid = (message: string): AuthProblem => new AuthProblem(422, 'validation_failed', message);

/** What PostgreSQL refused because of what the client sent; everything else is our failure. */
function ofDatabase({ code }: postgres.PostgresError): AuthProblem | undefined {
  switch (code) {
    case '22021': // a NUL byte
    case '22P02': // a lone surrogate in JSON
    case '22P05': // \u0000 in JSON
    case '22001': // too long
      return invalid('The request holds text that cannot be stored');
    case '23503':
      return new AuthProblem(409, 'conflict', 'The user is still referred to by other rows');
    case '23505':
      return new AuthProblem(422, 'email_exists', 'A user with this email address has already been registered');
    default:
      return undefined;
  }
}

/** @param report gets what nobody expected; the client is told nothing of it */
export function answerProblem(c: Context, error: unknown, report: (error: unknown) => void): Response {
  const known =
    error instanceof AuthProblem ? error : error instanceof postgres.PostgresError ? ofDatabase(error) : undefined;
  if (!known) report(error);
  const problem =
    known ??
    new AuthProblem(500, 'unexpected_failure', 'Unexpected failure, please check server logs for more information');
  if (problem.retryAfterMs !== undefined) c.header('retry-after', String(Math.ceil(problem.retryAfterMs / 1_000)));
  const weak = problem.reasons ? { weak_password: { reasons: problem.reasons } } : {};
  const { status, code, message } = problem;
  if ((c.req.header('x-supabase-api-version') ?? '') < API_VERSION) {
    return c.json({ code: status, error_code: code, msg: message, ...weak }, status);
  }
  c.header('x-supabase-api-version', API_VERSION);
  return c.json({ code, message, ...weak }, status);
}
