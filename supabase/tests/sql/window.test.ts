import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// The SDK's own rule, by path: it is no part of the package's public surface.
import { BUDGET_PERIODS, windowAt, type BudgetPeriod } from '../../../packages/core/src/budget/window.ts';
import { startFixture, type Fixture } from './testing/fixture.ts';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture[Symbol.asyncDispose]());

interface Moment {
  readonly period: BudgetPeriod;
  readonly zone: string;
  readonly at: number;
}

/** Where the database and the SDK disagree. */
async function disagreements(moments: readonly Moment[]): Promise<object[]> {
  const rows = await fixture.pool`
    select m.period, m.zone, m.at::float8, (extract(epoch from w.window_start) * 1000)::float8 as start,
      (extract(epoch from w.window_end) * 1000)::float8 as end
    from unnest(
      ${moments.map(({ period }) => period)}::text[], ${moments.map(({ zone }) => zone)}::text[],
      ${moments.map(({ at }) => at)}::float8[]
    ) with ordinality as m (period, zone, at, position)
    cross join lateral private.window_of(m.period, m.zone, to_timestamp(m.at / 1000)) w
    order by m.position`;
  return rows.flatMap(({ start, end }, i) => {
    const { period, zone, at } = moments[i]!;
    const expected = windowAt(period, zone, at);
    if (start === expected.start && end === expected.end) return [];
    return [{ period, zone, at: new Date(at).toISOString(), sql: [start, end], sdk: [expected.start, expected.end] }];
  });
}

const HOUR = 3_600_000;
const YEAR = Date.UTC(2026, 0, 1);
/** Zones with whole, half and quarter hours, with midnight transitions, and names that Postgres takes for abbreviations. */
const ZONES = [
  'UTC', 'Europe/Berlin', 'America/New_York', 'America/Los_Angeles', 'Asia/Kolkata', 'Asia/Kathmandu', 'Australia/Lord_Howe',
  'Pacific/Chatham', 'America/Havana', 'America/Asuncion', 'America/Santiago', 'Asia/Beirut', 'Africa/Cairo', 'Africa/Casablanca',
  'America/Nuuk', 'Pacific/Apia', 'Asia/Tehran', 'America/St_Johns', 'Antarctica/Troll', 'Pacific/Kiritimati', 'Atlantic/Azores',
  'CET', 'MET', 'EET', 'WET', 'EST', 'MST', 'HST', 'EST5EDT', 'GMT', 'Etc/GMT+5', 'Asia/Calcutta', 'US/Pacific', 'GB', 'NZ', 'PRC',
]; // prettier-ignore

/** The zones for which the runtime and the database have the same release of the time zone data. */
async function agreedZones(zones: readonly string[]): Promise<string[]> {
  const moments = Array.from({ length: 60 }, (_, i) => YEAR - 365 * 24 * HOUR + i * 23 * 24 * HOUR);
  const rows = await fixture.pool<{ zone: string; offsets: number[] }[]>`
    select z.zone, array_agg(extract(epoch from
      (to_timestamp(m.at / 1000) at time zone private.zone_of(z.zone)) - (to_timestamp(m.at / 1000) at time zone 'UTC')
    )::float8 order by m.at) as offsets
    from unnest(${zones}::text[]) as z (zone) cross join unnest(${moments}::float8[]) as m (at) group by z.zone`;
  const agreed = rows.filter(({ zone, offsets }) => {
    const offset = offsetOf(zone);
    return moments.every((at, i) => offsets[i] === offset(at));
  });
  return agreed.map(({ zone }) => zone);
}

describe('private.window_of', () => {
  it('agrees with the SDK through the year, in every kind of zone and period', async () => {
    const moments = (await agreedZones(ZONES)).flatMap((zone) =>
      BUDGET_PERIODS.flatMap((period) =>
        Array.from({ length: 40 }, (_, i) => ({ period, zone, at: YEAR + i * 219 * HOUR + 17 * i })),
      ),
    );
    expect(await disagreements(moments)).toEqual([]);
  });

  it('agrees with the SDK around every change of the clock, to the millisecond', async () => {
    const moments = (await agreedZones(ZONES)).flatMap((zone) =>
      transitions(zone).flatMap((change) =>
        [-24 * HOUR, -HOUR, -1, 0, HOUR].flatMap((shift) =>
          BUDGET_PERIODS.map((period) => ({ period, zone, at: change + shift })),
        ),
      ),
    );
    expect(moments.length).toBeGreaterThan(500);
    expect(await disagreements(moments)).toEqual([]);
  });

  it('agrees with the SDK for any moment and any zone that both know alike', async () => {
    const known = Intl.supportedValuesOf('timeZone');
    const zones = await agreedZones(known);
    expect(zones.length).toBeGreaterThan(0.95 * known.length);
    const moment = fc.record({
      period: fc.constantFrom(...BUDGET_PERIODS),
      zone: fc.constantFrom(...zones),
      at: fc.integer({ min: YEAR - 300 * 24 * HOUR, max: YEAR + 900 * 24 * HOUR }),
    });
    const moments = fc.sample(moment, 600);
    expect(await disagreements(moments)).toEqual([]);
  });

  it('takes names that Postgres knows as abbreviations for zones with daylight saving time', async () => {
    const moments = ['CET', 'MET', 'EET', 'WET', 'cet', 'EST', 'MST', 'HST', 'GMT'].flatMap((zone) =>
      (['daily', 'weekly', 'monthly'] as const).map((period) => ({ period, zone, at: Date.UTC(2026, 6, 15, 12) })),
    );
    expect(await disagreements(moments)).toEqual([]);
  });

  it('knows every zone that the runtime knows, and nothing that is none', async () => {
    const known = Intl.supportedValuesOf('timeZone');
    const rows =
      await fixture.pool`select zone from unnest(${known}::text[]) zone where not private.is_time_zone(zone)`;
    expect([...rows]).toEqual([]);
    const none = ['', '+02:00', '-5', '<+03>-3', 'Mars/Olympus', "UTC'; --", 'a'.repeat(101)];
    const taken = await fixture.pool`select zone from unnest(${none}::text[]) zone where private.is_time_zone(zone)`;
    expect([...taken]).toEqual([]);
  });
});

/** Local time minus UTC in seconds. */
function offsetOf(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  return (at) => {
    const [, sign, hours, minutes, seconds = '0'] =
      /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(at)) ?? [];
    if (sign === undefined) return 0;
    return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
  };
}

/** When the zone's offset changes in 2026. */
function transitions(zone: string): number[] {
  const offset = offsetOf(zone);
  const found: number[] = [];
  const step = 72 * HOUR;
  for (let start = YEAR; start < YEAR + 122 * step; start += step) {
    let [before, after] = [start, start + step];
    if (offset(before) === offset(after)) continue;
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (offset(middle) === offset(before)) before = middle;
      else after = middle;
    }
    found.push(after);
  }
  return found;
}
