/** What a failed call says about its bill, and what a report of usage says at all. */
import type { Usage } from './call.ts';
import {
  BudgetExceededError,
  CallLimitError,
  TokenLimitError,
  ToolLimitError,
  UnknownModelError,
  VelocityLimitError,
} from './errors.ts';
import { readSafely } from './find-error.ts';

/** Node's and undici's codes for a connection that was never made. */
const NOT_CONNECTED = new Set<unknown>([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_INVALID_URL',
  'ConnectionRefused', // Bun
]);

/**
 * Our errors that are thrown only before a request is sent. A kill, a time-out or a close may also end one in flight,
 * and a ConfigError may come from code that runs after the answer.
 */
const REFUSALS: readonly { isInstance(value: unknown): boolean }[] = [
  BudgetExceededError,
  CallLimitError,
  TokenLimitError,
  ToolLimitError,
  VelocityLimitError,
  UnknownModelError,
];

/** Where wrappers keep the error that they wrap. */
const LINKS = ['cause', 'error', 'lastError', 'reason', 'originalError'] as const;

const MAX_VISITED = 200;

/** `refused`: the provider answered with an error status, and bills nothing. `not sent`: it never got the request. */
export type FailureBill = 'not sent' | 'refused' | 'unknown';

/**
 * What a failure says about the bill, also from inside the wrappers of a framework. Where an error holds several (the
 * attempts of a retry), each must say that nothing was billed.
 */
export function billOf(error: unknown): FailureBill {
  return search(error, { left: MAX_VISITED });
}

/** Whether an error is, or wraps, a value: an abort's reason, for example. */
export function holds(error: unknown, value: unknown): boolean {
  let left = MAX_VISITED;
  const look = (at: unknown): boolean => {
    if (at === value) return true;
    if (typeof at !== 'object' || at === null || (left -= 1) <= 0) return false;
    const attempts = readSafely(at, 'errors');
    return LINKS.some((link) => look(readSafely(at, link))) || (Array.isArray(attempts) && attempts.some(look));
  };
  return look(error);
}

function search(error: unknown, visits: { left: number }): FailureBill {
  if (typeof error !== 'object' || error === null || visits.left <= 0) return 'unknown';
  visits.left -= 1;
  if (NOT_CONNECTED.has(readSafely(error, 'code')) || isRefusal(error) || isBadAddress(error)) return 'not sent';
  const status = statusOf(error);
  if (status >= 400) return 'refused';
  if (status >= 200) return 'unknown';
  const attempts = readSafely(error, 'errors');
  if (Array.isArray(attempts) && attempts.length > 0) {
    const bills = attempts.slice(0, MAX_VISITED).map((attempt) => search(attempt, visits));
    if (bills.includes('unknown')) return 'unknown';
    return bills.includes('refused') ? 'refused' : 'not sent';
  }
  for (const link of LINKS) {
    const bill = search(readSafely(error, link), visits);
    if (bill !== 'unknown') return bill;
  }
  return 'unknown';
}

/** fetch refuses some addresses before it connects, without a code (undici, lib/web/fetch). */
function isBadAddress(error: object): boolean {
  const message = readSafely(error, 'message');
  return error instanceof Error && (message === 'unknown scheme' || message === 'bad port');
}

function isRefusal(error: object): boolean {
  try {
    return REFUSALS.some((refusal) => refusal.isInstance(error));
  } catch {
    return false; // a proxy whose traps throw
  }
}

/** A numeric `status`, else `statusCode`; 0 for neither. */
function statusOf(error: object): number {
  for (const key of ['status', 'statusCode']) {
    const value = readSafely(error, key);
    if (typeof value === 'number') return value;
  }
  return 0;
}

/** Whether a usage reports anything that can be priced. */
export function isReported(usage: Usage | undefined): usage is Usage {
  if (usage === undefined || (usage as unknown) === null) return false;
  return (
    isCount(usage.inputTokens) || isCount(usage.outputTokens) || isCount(usage.images) || (usage.parts?.length ?? 0) > 0
  );
}

/**
 * The usage without what is no count: a negative figure, NaN or a string is unknown, never free. Fractions are rounded
 * up.
 */
export function knownUsage(usage: Usage): Usage {
  let corrections: Record<string, number | undefined> | undefined;
  for (const key of COUNTS) {
    const value: unknown = usage[key];
    if (value === undefined || (isCount(value) && Number.isInteger(value))) continue;
    corrections ??= {};
    corrections[key] = isCount(value) ? Math.ceil(value) : undefined;
  }
  return corrections === undefined ? usage : { ...usage, ...corrections };
}

/** The fields of a usage that count something. */
export const COUNTS = [
  'inputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'cacheWrite1hTokens',
  'inputAudioTokens',
  'cacheReadAudioTokens',
  'inputImageTokens',
  'outputTokens',
  'reasoningTokens',
  'outputAudioTokens',
  'outputImageTokens',
  'images',
] as const satisfies readonly (keyof Usage)[];

/** Whether a value counts something: not negative, and no larger than numbers are exact. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}
