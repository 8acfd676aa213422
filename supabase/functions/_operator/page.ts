/**
 * Pages of a list. A cursor holds the last row's sort keys, so a page costs the same however deep it lies, and rows that
 * arrive meanwhile shift nothing.
 */
import { z } from 'zod';
import { ApiError } from '../_shared/http.ts';

/** The most rows of one page. */
const MAX_PAGE = 200;

const DEFAULT_PAGE = 50;

/** The query fields that every list takes. */
export const pageFields = {
  /** Rows of the page: 1 to 200, default 50. */
  limit: z
    .string()
    .regex(/^\d{1,3}$/, `must be a whole number from 1 to ${MAX_PAGE}`)
    .transform(Number)
    .pipe(z.number().min(1).max(MAX_PAGE))
    .optional(),
  /** `nextCursor` of the page before. */
  cursor: z.string().min(1).max(1_000).optional(),
} as const;

/** A page as it was asked for. `after`: the sort keys of the last row of the page before. */
export interface PageRequest<K> {
  readonly limit: number;
  readonly after: K | null;
}

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** What to send as `cursor` for the next page; `null` on the last one. */
  readonly nextCursor: string | null;
}

/**
 * Reads the page fields of a query.
 *
 * @param keys the sort keys that this list's cursors hold
 * @throws ApiError 422 `invalid_cursor` for a cursor that is not one of this list's
 */
export function pageOf<K>(
  query: { readonly limit?: number | undefined; readonly cursor?: string | undefined },
  keys: z.ZodType<K>,
): PageRequest<K> {
  return {
    limit: query.limit ?? DEFAULT_PAGE,
    after: query.cursor === undefined ? null : decode(query.cursor, keys),
  };
}

/**
 * Makes the page of the rows that were found. Ask for `limit + 1` rows: the surplus row says that there is a next page.
 *
 * @param keysOf the sort keys of a row
 */
export function toPage<R, T>(
  rows: readonly R[],
  limit: number,
  show: (row: R) => T,
  keysOf: (row: R) => unknown,
): Page<T> {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return {
    items: kept.map(show),
    nextCursor: rows.length > limit && last !== undefined ? encode(keysOf(last)) : null,
  };
}

function encode(keys: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(keys));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function decode<K>(cursor: string, keys: z.ZodType<K>): K {
  try {
    const bytes = Uint8Array.from(atob(cursor.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    return keys.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    throw new ApiError(
      422,
      'invalid_cursor',
      'The cursor is not one of this list. Send the nextCursor of the page before as it came, or none for the first page.',
    );
  }
}
