/** Reads token counts that come from outside: a provider's report can be incomplete or wrong. */
import { MAX_TOKENS } from './rates.ts';

/**
 * A reported count as a usable one, or `undefined` where the report says nothing: left out, negative, not a number.
 * Fractions are rounded up; a count beyond anything possible is cut to a billion.
 */
export function tokenCount(reported: number | undefined): number | undefined {
  if (typeof reported !== 'number' || !(reported >= 0)) return undefined;
  return reported < MAX_TOKENS ? Math.ceil(reported) : MAX_TOKENS;
}

/** The same with 0 for nothing: for parts, where leaving one out never lowers the price of the whole. */
export function tokensOrZero(reported: number | undefined): number {
  return tokenCount(reported) ?? 0;
}
