/**
 * Whether the database's time-zone data and Node's agree on the budgets' windows. Governments change their clocks at short
 * notice, and the two are updated apart.
 */

/** What is needed of a budget, as the API shows it. */
export interface ZonedBudget {
  readonly agent: string | null;
  readonly scope: string;
  readonly name: string | null;
  readonly period: string;
  readonly timeZone: string;
  readonly windowStart: string | null;
  readonly windowEnd: string | null;
}

/** Budgets whose present window, by the database, does not begin and end with a day of the zone as Node knows it. */
export function disagreeing<T extends ZonedBudget>(budgets: readonly T[]): readonly T[] {
  // Hours are aligned to the offset of 1 January modulo an hour, which no change of summer time touches.
  return budgets.filter(
    ({ period, timeZone, windowStart, windowEnd }) =>
      period !== 'hourly' && ![windowStart, windowEnd].every((edge) => edge === null || beginsDay(edge, timeZone)),
  );
}

function beginsDay(instant: string, timeZone: string): boolean {
  const at = Date.parse(instant);
  const { format } = new Intl.DateTimeFormat('en', { timeZone, dateStyle: 'short' });
  return format(at) !== format(at - 1);
}
