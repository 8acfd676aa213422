import { describe, expect, it } from 'vitest';
import { disagreeing } from './time-zones.ts';

const budget = (timeZone: string, windowStart: string | null, windowEnd: string | null, period = 'daily') => ({
  ...{ agent: 'bot', scope: 'agent', name: null, period, timeZone, windowStart, windowEnd },
});

describe('windows that agree', () => {
  it.each([
    budget('UTC', '2026-03-29T00:00:00Z', '2026-03-30T00:00:00Z'),
    budget('Europe/Berlin', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'),
    budget('Europe/Berlin', '2026-03-22T23:00:00Z', '2026-03-29T22:00:00Z', 'weekly'),
    budget('Asia/Kathmandu', '2026-01-31T18:15:00Z', '2026-02-28T18:15:00Z', 'monthly'),
    // The clock jumps from midnight to one.
    budget('Africa/Cairo', '2026-04-23T22:00:00Z', '2026-04-24T21:00:00Z'),
    budget('UTC', null, null, 'total'),
    budget('Asia/Kathmandu', '2026-01-31T18:30:00Z', '2026-01-31T19:30:00Z', 'hourly'),
  ])('$timeZone $period from $windowStart', (one) => {
    expect(disagreeing([one])).toEqual([]);
  });
});

describe('windows that do not', () => {
  it.each([
    // A database that has not heard of summer time.
    budget('Europe/Berlin', '2026-06-30T23:00:00Z', '2026-07-01T23:00:00Z'),
    // One that has not heard that it begins in this window.
    budget('Europe/Berlin', '2026-03-28T23:00:00Z', '2026-03-29T23:00:00Z'),
    budget('Africa/Cairo', '2026-06-30T22:00:00Z', '2026-07-31T22:00:00Z', 'monthly'),
  ])('$timeZone $period from $windowStart', (one) => {
    expect(disagreeing([budget('UTC', null, null, 'total'), one])).toEqual([one]);
  });
});
