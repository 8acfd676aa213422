/** Fields that several requests have. */
import { z } from 'zod';

/** Text of 1 to `max` characters that PostgreSQL can store. */
export function text(max: number): z.ZodString {
  return z.string().min(1).max(max).refine(isStorableText, 'must be well-formed text without NUL');
}

/** PostgreSQL stores neither NUL nor half of a surrogate pair. */
function isStorableText(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}

/** Deeper JSON than this is nobody's message, and costs stack wherever it is read. */
const DEEPEST = 20;

/** Whether PostgreSQL can store a value that came as JSON. */
export function isStorableJson(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return isStorableText(value);
  if (typeof value !== 'object' || value === null) return true;
  return (
    depth < DEEPEST &&
    Object.entries(value).every(([key, inner]) => isStorableText(key) && isStorableJson(inner, depth + 1))
  );
}

/** The last day that is written with a year of four digits; PostgreSQL does not read what JavaScript writes for later ones. */
export const LAST_DAY = Date.UTC(9999, 11, 31);
const DAY = 86_400_000;

/** A point in time as ISO 8601 with a zone, from 1970 to 9999 UTC. */
export const instant = z.iso
  .datetime({ offset: true })
  .transform((value) => new Date(value))
  .refine((value) => value.getTime() >= 0, 'must be 1970 or later')
  .refine((value) => value.getTime() < LAST_DAY + DAY, 'must be 9999 or earlier');

/** A point in time to the microsecond, as cursors hold it. */
export const sortMoment = z.iso.datetime().refine((value) => value >= '1970', 'must be 1970 or later');

/** No query parameters. */
export const noQuery = z.strictObject({});
