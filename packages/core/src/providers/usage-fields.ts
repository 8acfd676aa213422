/** Reading figures out of foreign JSON: only a finite, non-negative number is a figure; anything else is unknown. */
import type { Usage } from '../call.ts';

/** A JSON object whose fields nobody has checked. */
export type Fields = Readonly<Record<string, unknown>>;

/** The value as an object with unchecked fields, or nothing. */
export function fields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** The value as a list, empty when it is none. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** A count of tokens or calls. Strings, NaN, infinities and negative numbers are unknown, not 0. */
export function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.ceil(value) : undefined;
}

/** The text, when there is any. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The sum of what is known; unknown only when nothing is known. */
export function sum(...values: readonly (number | undefined)[]): number | undefined {
  return values.reduce((total, value) => (value === undefined ? total : (total ?? 0) + value), undefined);
}

/** The largest of what is known. */
export function most(...values: readonly (number | undefined)[]): number | undefined {
  return values.reduce((high, value) => (value === undefined ? high : Math.max(high ?? 0, value)), undefined);
}

/**
 * Usage without the unknown fields. A whole that is smaller than its parts is raised to them: providers disagree on what
 * the whole includes, and the larger reading can't undercharge. `undefined` when neither side of the call is known.
 */
export function usageOf(usage: Usage): Usage | undefined {
  const inputTokens = most(
    usage.inputTokens,
    usage.inputTokens === undefined ? undefined : sum(usage.cacheReadTokens, usage.cacheWriteTokens),
  );
  const outputTokens = most(usage.outputTokens, usage.outputTokens === undefined ? undefined : usage.reasoningTokens);
  if (inputTokens === undefined && outputTokens === undefined && usage.images === undefined) return undefined;
  const known = Object.entries({ ...usage, inputTokens, outputTokens }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known);
}

/** Fees by name without the zeros, or nothing. */
export function fees(counts: Readonly<Record<string, number | undefined>>): Record<string, number> | undefined {
  const charged = Object.entries(counts).filter((entry): entry is [string, number] => (entry[1] ?? 0) > 0);
  return charged.length === 0 ? undefined : Object.fromEntries(charged);
}
