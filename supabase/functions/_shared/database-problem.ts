/** What the database says, as the API says it. */
import { ApiError } from './api-error.ts';

/** States that our SQL raises for the API, with the status in their last three digits. */
const RAISED = /^KA(401|403|404|409|413|422|429)$/;
/** Statement cancelled, transaction idle or in a deadlock, connection lost or refused, shutting down, too many connections. */
const UNAVAILABLE = /^(?:57014|57P0[1-3]|08\w{3}|53300|25P0[34]|40001|40P01|55P03)$/;
/** The same from the driver and from the socket. */
const DISCONNECTED: ReadonlySet<string> = new Set([
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

/** The answer to an error of the database that has one; `undefined` for any other error. */
export function databaseProblem(error: unknown): ApiError | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  const status = RAISED.exec(error.code)?.[1];
  if (status !== undefined) return raised(Number(status), error);
  if (!UNAVAILABLE.test(error.code) && !DISCONNECTED.has(error.code)) return undefined;
  return new ApiError(503, 'database_unavailable', 'The database did not answer in time. Try again soon.', undefined, {
    'retry-after': '5',
  });
}

/** The error's message is the code; its detail is JSON: the sentence, and the figures. */
function raised(status: number, error: Error): ApiError {
  const { message, ...details } = detailOf(error);
  const sentence = typeof message === 'string' ? message : `The request was refused: ${error.message}.`;
  const wait = details['retryAfterSeconds'];
  const headers: Record<string, string> =
    typeof wait === 'number' && wait >= 0 ? { 'retry-after': String(Math.ceil(wait)) } : {};
  return new ApiError(
    status,
    error.message,
    sentence,
    Object.keys(details).length === 0 ? undefined : details,
    headers,
  );
}

function detailOf(error: Error): Record<string, unknown> {
  const text = 'detail' in error ? error.detail : undefined;
  if (typeof text !== 'string') return {};
  try {
    const detail: unknown = JSON.parse(text);
    return typeof detail === 'object' && detail !== null ? { ...detail } : {};
  } catch {
    return { message: text };
  }
}
