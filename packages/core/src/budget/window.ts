/**
 * Which window a moment falls in. Windows come from the clock and are part of an account's key, so there is no reset
 * job that could run late, twice or never.
 */

/** How long a budget's window is. Weeks start on Monday; `total` never ends. */
export type BudgetPeriod = 'hourly' | 'daily' | 'weekly' | 'monthly' | 'total';

/** All periods, in order of length. */
export const BUDGET_PERIODS: readonly BudgetPeriod[] = ['hourly', 'daily', 'weekly', 'monthly', 'total'];

/** A half-open interval `[start, end)` in milliseconds since the Unix epoch. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const TOTAL: Window = { start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY };

/**
 * The window of a period that contains a moment.
 *
 * Days, weeks and months begin at the first instant of their local date, so a day of 23 or 25 hours is one window and
 * a zone that skips midnight starts later. Hours have 60 minutes always and are aligned to the zone's offset on 1 January.
 *
 * @param timeZone an IANA name; `UTC` takes the fast path
 * @example windowAt('daily', 'UTC', Date.UTC(2026, 0, 31, 12)) // 31 January, 00:00 to 24:00
 */
export function windowAt(period: BudgetPeriod, timeZone: string, now: number): Window {
  if (period === 'total') return TOTAL;
  if (period === 'hourly') return hourAt(timeZone, now);
  const local = timeZone === 'UTC' ? now : now + offsetAt(timeZone, now);
  return calendarWindow(period, timeZone, Math.floor(local / DAY) * DAY, now);
}

/**
 * Whether a string names a time zone that this runtime knows. An offset such as `+02:00` is none, although some runtimes
 * take it: Postgres reads its sign the other way round, and the backend would count in other windows.
 */
export function isTimeZone(timeZone: string): boolean {
  if (!/^[A-Za-z]/.test(timeZone)) return false;
  try {
    offsetAt(timeZone, 0);
    return true;
  } catch {
    return false;
  }
}

function hourAt(timeZone: string, now: number): Window {
  const offset = timeZone === 'UTC' ? 0 : offsetAt(timeZone, Date.UTC(new Date(now).getUTCFullYear(), 0, 1)) % HOUR;
  const start = Math.floor((now + offset) / HOUR) * HOUR - offset;
  return { start, end: start + HOUR };
}

function calendarWindow(period: 'daily' | 'weekly' | 'monthly', timeZone: string, day: number, now: number): Window {
  const [first, next] = localBounds(period, day);
  const window = { start: startOfDate(timeZone, first), end: startOfDate(timeZone, next) };
  // Where the clock goes back over midnight, a date is left and entered again: a moment then belongs by its instant.
  if (now < window.start) return calendarWindow(period, timeZone, first - DAY, now);
  return now < window.end ? window : calendarWindow(period, timeZone, next, now);
}

/** The local dates, as UTC midnights, on which the window that contains `day` begins and the next one begins. */
function localBounds(period: 'daily' | 'weekly' | 'monthly', day: number): [number, number] {
  if (period === 'daily') return [day, day + DAY];
  const date = new Date(day);
  if (period === 'weekly') {
    const monday = day - ((date.getUTCDay() + 6) % 7) * DAY;
    return [monday, monday + 7 * DAY];
  }
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  return [Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)];
}

/** An instant at which the local date becomes `date` or later; exact also where a zone skips its midnight. */
function startOfDate(timeZone: string, date: number): number {
  if (timeZone === 'UTC') return date;
  let before = date - DAY;
  let after = date + DAY;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (middle + offsetAt(timeZone, middle) >= date) after = middle;
    else before = middle;
  }
  return after;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Local time minus UTC in milliseconds. */
function offsetAt(timeZone: string, at: number): number {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(timeZone, format);
  }
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(at)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}
