import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import { BUDGET_PERIODS, isTimeZone, windowAt, type BudgetPeriod } from './window.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Chosen for what is odd about each: midnight skipped or repeated, half hours, a skipped date, offsets of 14 hours. */
const ZONES = [
  'UTC',
  'America/Sao_Paulo',
  'Africa/Cairo',
  'Asia/Beirut',
  'Pacific/Apia',
  'America/Havana',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'America/Nuuk',
  'America/Asuncion',
  'Africa/Casablanca',
  'Antarctica/Troll',
  'Antarctica/Casey',
  'Pacific/Kiritimati',
  'Pacific/Chatham',
  'Asia/Tehran',
  'Asia/Gaza',
] as const;

const zones = fc.constantFrom(...ZONES);
/** From a year in which no zone goes back over midnight any more (see below) to far ahead. */
const moments = fc.integer({ min: Date.UTC(2012, 5, 1), max: Date.UTC(2037, 11, 31) });
const calendarPeriods = fc.constantFrom('daily', 'weekly', 'monthly');
type CalendarPeriod = 'daily' | 'weekly' | 'monthly';

/** The calendar date at or before `now` on which the window begins, and the next such date, by another library. */
function datesOf(period: CalendarPeriod, timeZone: string, now: number): [Temporal.PlainDate, Temporal.PlainDate] {
  const date = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timeZone).toPlainDate();
  if (period === 'daily') return [date, date.add({ days: 1 })];
  if (period === 'weekly') {
    const monday = date.subtract({ days: date.dayOfWeek - 1 });
    return [monday, monday.add({ days: 7 })];
  }
  const first = date.with({ day: 1 });
  return [first, first.add({ months: 1 })];
}

/** The first instant of a local date. */
function startOf(date: Temporal.PlainDate, timeZone: string): number {
  return date.toZonedDateTime(timeZone).epochMilliseconds;
}

function length(period: BudgetPeriod, timeZone: string, local: string): number {
  const now = Temporal.PlainDateTime.from(local).toZonedDateTime(timeZone).epochMilliseconds;
  const { start, end } = windowAt(period, timeZone, now);
  return (end - start) / HOUR;
}

describe('windows of every zone and period', () => {
  it('contain the moment that they were asked for', () => {
    fc.assert(
      fc.property(fc.constantFrom(...BUDGET_PERIODS), zones, moments, (period, timeZone, now) => {
        const { start, end } = windowAt(period, timeZone, now);
        expect(start).toBeLessThanOrEqual(now);
        expect(end).toBeGreaterThan(now);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are the same for each moment in them, and meet their neighbours without gap or overlap', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<BudgetPeriod>('hourly', 'daily', 'weekly', 'monthly'),
        zones,
        moments,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (period, timeZone, now, share) => {
          const window = windowAt(period, timeZone, now);
          const { start, end } = window;
          const inside = Math.min(end - 1, start + Math.floor(share * (end - start)));
          for (const moment of [start, inside, end - 1]) {
            expect(windowAt(period, timeZone, moment)).toEqual(window);
          }
          expect(windowAt(period, timeZone, end).start).toBe(end);
          expect(windowAt(period, timeZone, start - 1).end).toBe(start);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('begin at the first instant of their local date, Monday or first of the month', () => {
    fc.assert(
      fc.property(calendarPeriods, zones, moments, (period, timeZone, now) => {
        const [first, next] = datesOf(period, timeZone, now);
        const window = { start: startOf(first, timeZone), end: startOf(next, timeZone) };
        expect(windowAt(period, timeZone, now)).toEqual(window);
      }),
      { numRuns: 1_000 },
    );
  });

  it('hold in every zone of this runtime', () => {
    const now = Date.UTC(2026, 9, 25, 0, 30);
    for (const timeZone of Intl.supportedValuesOf('timeZone')) {
      const [first, next] = datesOf('daily', timeZone, now);
      expect(windowAt('daily', timeZone, now), timeZone).toEqual({
        start: startOf(first, timeZone),
        end: startOf(next, timeZone),
      });
    }
  });

  it('of an hour last an hour, and begin on the full local hour where the zone keeps one offset', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('UTC', 'Asia/Kolkata', 'Asia/Kathmandu', 'Pacific/Kiritimati'),
        moments,
        (zone, now) => {
          const { start, end } = windowAt('hourly', zone, now);
          expect(end - start).toBe(HOUR);
          const local = Temporal.Instant.fromEpochMilliseconds(start).toZonedDateTimeISO(zone);
          expect([local.minute, local.second, local.millisecond]).toEqual([0, 0, 0]);
        },
      ),
    );
  });
});

describe('days that are not 24 hours long', () => {
  it.each([
    ['Europe/Berlin', '2026-03-29T12:00', 23, 'spring'],
    ['Europe/Berlin', '2026-10-25T12:00', 25, 'autumn'],
    ['America/New_York', '2026-11-01T12:00', 25, 'autumn'],
    ['Australia/Lord_Howe', '2026-04-05T12:00', 24.5, 'half an hour'],
    ['Africa/Cairo', '2026-04-24T12:00', 23, 'no midnight'],
    ['Asia/Beirut', '2026-03-29T12:00', 23, 'no midnight'],
    ['America/Havana', '2026-11-01T12:00', 25, 'midnight twice'],
    ['America/Sao_Paulo', '2018-11-04T12:00', 23, 'no midnight'],
    ['America/Sao_Paulo', '2018-02-17T12:00', 25, 'the evening twice'],
  ])('%s on %s: %d hours (%s)', (timeZone, local, hours) => {
    expect(length('daily', timeZone, local)).toBe(hours);
  });

  it('Berlin: the month and week around them are an hour shorter or longer', () => {
    expect(length('monthly', 'Europe/Berlin', '2026-03-10T12:00')).toBe(31 * 24 - 1);
    expect(length('weekly', 'Europe/Berlin', '2026-10-20T12:00')).toBe(7 * 24 + 1);
  });

  it('Samoa: a date that never was belongs to no window', () => {
    const before = windowAt('daily', 'Pacific/Apia', Date.UTC(2011, 11, 30, 9, 59));
    const after = windowAt('daily', 'Pacific/Apia', Date.UTC(2011, 11, 30, 10, 0));
    expect(before.end).toBe(after.start);
    expect(after.start).toBe(Date.UTC(2011, 11, 30, 10));
    expect(after.end - after.start).toBe(DAY);
    expect(length('weekly', 'Pacific/Apia', '2011-12-29T12:00')).toBe(6 * 24);
  });
});

describe('evenings that are left and entered again', () => {
  // Newfoundland went from 00:01 back to 23:01 until 2011; Casey from 02:00 to 23:00 in 2010.
  it.each([
    ['America/St_Johns', Date.UTC(2009, 10, 1, 2, 31)],
    ['Antarctica/Casey', Date.UTC(2010, 2, 4, 15)],
  ])('%s: each moment is in its window, and the windows follow each other', (timeZone, change) => {
    let last = windowAt('daily', timeZone, change - 6 * HOUR);
    for (let now = change - 6 * HOUR; now < change + 6 * HOUR; now += 60_000) {
      const window = windowAt('daily', timeZone, now);
      expect(window.start <= now && now < window.end).toBe(true);
      expect([last.start, last.end]).toContain(window.start);
      last = window;
    }
  });
});

describe('the calendar', () => {
  it.each([
    ['a leap year', 2028, 29],
    ['a common year', 2026, 28],
    ['a century without', 2100, 28],
    ['a century with', 2000, 29],
  ])('February of %s', (_what, year, days) => {
    const { start, end } = windowAt('monthly', 'UTC', Date.UTC(year, 1, 14));
    expect((end - start) / DAY).toBe(days);
  });

  it('a week that spans the turn of the year is one window from Monday', () => {
    const { start, end } = windowAt('weekly', 'UTC', Date.UTC(2027, 0, 2));
    expect(new Date(start).toISOString()).toBe('2026-12-28T00:00:00.000Z');
    expect(new Date(end).toISOString()).toBe('2027-01-04T00:00:00.000Z');
  });

  it('total never ends', () => {
    expect(windowAt('total', 'Europe/Berlin', 0)).toEqual({ start: -Infinity, end: Infinity });
  });

  it('UTC by its other names gives the same windows', () => {
    for (const period of BUDGET_PERIODS) {
      const now = Date.UTC(2026, 4, 6, 7, 8, 9);
      expect(windowAt(period, 'Etc/UTC', now)).toEqual(windowAt(period, 'UTC', now));
    }
  });
});

describe('time zone names', () => {
  it.each(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'])('%s is one', (name) => {
    expect(isTimeZone(name)).toBe(true);
  });

  // Postgres reads the sign of an offset the other way round: the backend would count other windows.
  it.each(['', 'Europe/Berlino', 'Mars/Olympus', '+02:00', '-05:30', 'UTC+2', 'GMT+2', 'local'])(
    '%j is none',
    (name) => {
      expect(isTimeZone(name)).toBe(false);
    },
  );
});
