/** What a failed call says about its bill: refused by the provider, never sent, or unknown. */
import {
  ConfigError,
  ClosedError,
  BudgetExceededError,
  CallLimitError,
  TokenLimitError,
  ToolLimitError,
  UnknownModelError,
  VelocityLimitError,
} from './errors.ts';
import { findInCauses } from './find-error.ts';
import type { Usage } from './call.ts';

/** Node's and undici's codes for a connection that was never made. */
const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
  'ConnectionRefused', // Bun
]);

/** Our errors that are thrown only before a request is sent. A kill or time-out may also end one in flight. */
const REFUSALS: readonly { isInstance(value: unknown): boolean }[] = [
  BudgetExceededError,
  CallLimitError,
  TokenLimitError,
  ToolLimitError,
  VelocityLimitError,
  UnknownModelError,
  ConfigError,
  ClosedError,
];

/** Whether the provider answered with an error status: it bills nothing then. */
export function hasErrorStatus(error: unknown): boolean {
  const found = findInCauses(error, (value) => {
    const { status, statusCode } = value as { status?: unknown; statusCode?: unknown };
    const code = typeof status === 'number' ? status : statusCode;
    return typeof code === 'number' ? code : undefined;
  });
  return found !== undefined && found >= 400;
}

/** Whether the request never reached a provider: no connection was made, or an inner guard refused it. */
export function wasNeverSent(error: unknown): boolean {
  const found = findInCauses(error, (value) => {
    const { code } = value as { code?: unknown };
    if (typeof code === 'string' && NOT_CONNECTED.has(code)) return true;
    return REFUSALS.some((refusal) => refusal.isInstance(value)) ? true : undefined;
  });
  return found === true;
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

const COUNTS = [
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

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}
