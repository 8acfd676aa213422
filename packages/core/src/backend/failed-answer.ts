/** What an answer that is no success means: the status, the error's code and `Retry-After` decide what the SDK does next. */
import { BackendError, type BackendErrorKind } from '../wire/backend-error.ts';
import { REJECTIONS, type Rejection } from '../wire/index.ts';

/** No backend may silence a process for longer. */
const LONGEST_RETRY_AFTER_MS = 300_000;

/** Codes of 401 that say the key itself is of no use any more. */
const KEY_CODES: readonly string[] = ['key_revoked', 'key_invalid', 'key_expired'];

/** What a failed answer says. */
export interface FailedAnswer {
  /**
   * Whether the request is kept and sent again. Then only what is wrong with the request itself is final: a function that is
   * not deployed yet (404) loses no events.
   */
  readonly isRepeated: boolean;
  readonly status: number;
  readonly retryAfter: string | null;
  /** The body as JSON; `undefined` where it is none. */
  readonly body: unknown;
}

/**
 * The error for an answer with a status outside 200 to 299.
 *
 * @param what what was asked for: `connect`
 * @param redact takes the key out of a text that came from outside
 * @param now wall-clock milliseconds, for a `Retry-After` that is a date
 */
export function failure(
  what: string,
  answer: FailedAnswer,
  redact: (text: string) => string,
  now: number,
): BackendError {
  const { status } = answer;
  const error = member(answer.body, 'error');
  const code = word(member(error, 'code'), redact);
  const said = sentence(member(error, 'message'), redact);
  const reason = rejection(status, code, member(member(error, 'details'), 'reason'));
  const kind = reason === undefined ? kindOf(status, answer.isRepeated) : 'rejected';
  const message = `${what}: the backend answered ${status}${code === undefined ? '' : ` ${code}`}${said === undefined ? '' : ` (${said})`}. ${reason === undefined ? ADVICE[kind] : STOPPED}`;
  return new BackendError(message, kind, { status, code, reason, retryAfterMs: retryAfter(answer.retryAfter, now) });
}

const STOPPED = 'The agent is stopped; npx agentkavach status says why.';

const ADVICE: Readonly<Record<BackendErrorKind, string>> = {
  unavailable: 'It is tried again.',
  throttled: 'It is tried again later.',
  rejected: 'npx agentkavach keys list shows the keys and their scopes.',
  refused: 'The request is not sent again as it is.',
  garbage: 'Is the address that of an AgentKavach backend?',
};

/** What cannot be read as it is, however often it is sent. */
const UNREADABLE: readonly number[] = [400, 413, 415, 422];

function kindOf(status: number, isRepeated: boolean): BackendErrorKind {
  if (status === 429) return 'throttled';
  if (status < 400) return 'garbage';
  if (UNREADABLE.includes(status)) return 'refused';
  if (status === 401) return 'rejected';
  if (isRepeated) return status === 402 || status === 403 ? 'rejected' : 'unavailable';
  return status >= 500 || status === 408 || status === 425 ? 'unavailable' : 'refused';
}

function rejection(status: number, code: string | undefined, reason: unknown): Rejection | undefined {
  if (status === 401 && code !== undefined && KEY_CODES.includes(code)) return 'key_revoked';
  if (status === 403 || status === 429) return REJECTIONS.find((each) => each === reason);
  return undefined;
}

/** Seconds, or a date; what is neither is left out, and what lies in the past is now. */
function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (Reflect.get(value, key) as unknown) : undefined;
}

function word(value: unknown, redact: (text: string) => string): string | undefined {
  return typeof value === 'string' && /^[A-Za-z0-9_.:-]{1,64}$/.test(value) ? redact(value) : undefined;
}

function sentence(value: unknown, redact: (text: string) => string): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return redact(value)
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, 300);
}
