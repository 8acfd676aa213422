/** Which stretch of time an overview shows. */
import { ApiError } from '../_shared/api-error.ts';
import { LAST_DAY } from '../_operator/fields.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The most buckets of one answer. */
const MOST = { hour: 31 * 24, day: 400 } as const;

/** Whole UTC buckets, `to` exclusive. */
export interface Range {
  readonly from: Date;
  readonly to: Date;
  readonly granularity: 'hour' | 'day';
}

/**
 * The range that a query asks for.
 *
 * @throws ApiError 422 `invalid` where `from` is not before `to`, or the range has too many buckets
 */
export function rangeOf(
  query: {
    readonly from?: Date | undefined;
    readonly to?: Date | undefined;
    readonly granularity?: 'hour' | 'day' | undefined;
  },
  now: number,
): Range {
  const granularity = query.granularity ?? 'day';
  const step = granularity === 'hour' ? HOUR : DAY;
  const to = Math.min(Math.ceil((query.to?.getTime() ?? now + 1) / step) * step, LAST_DAY);
  const span = granularity === 'hour' ? 48 : 30;
  const from = query.from === undefined ? to - span * step : Math.floor(query.from.getTime() / step) * step;
  if (from >= to) throw wrong('from', 'from must lie before to.');
  const buckets = (to - from) / step;
  if (buckets > MOST[granularity]) {
    throw wrong(
      'from',
      `${buckets} ${granularity}s are too many: ask for ${MOST[granularity]} at most${granularity === 'hour' ? ', or for days' : ''}.`,
    );
  }
  return { from: new Date(from), to: new Date(to), granularity };
}

function wrong(path: string, message: string): ApiError {
  return new ApiError(422, 'invalid', `The query is not valid. ${message}`, [{ path, message }]);
}
