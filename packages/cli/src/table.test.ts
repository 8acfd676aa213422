import { expect, it } from 'vitest';
import { ago, amount, minute, printable, table } from './table.ts';

it('pads columns to the widest, and ends no line with blanks', () => {
  expect(
    table(
      ['A', 'NAME', 'LAST'],
      [
        ['1', 'x', ''],
        ['22', 'longer', 'y'],
      ],
    ),
  ).toEqual(['A   NAME    LAST', '1   x', '22  longer  y']);
});

it.each([
  ['usd', 0, '$0.00'],
  ['usd', 50, '$50.00'],
  ['usd', 1234.5, '$1,234.50'],
  ['usd', 0.012345678, '$0.012346'],
  ['usd', 0.9999999, '$1.00'],
  ['usd', 2e-9, '<$0.000001'],
  ['tokens', 1_000_000, '1,000,000 tokens'],
  ['calls', 3, '3 calls'],
])('%s %d is %s', (unit, value, text) => {
  expect(amount(unit, value)).toBe(text);
});

it('tells the time since, and a moment to the minute', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const since = [-5, 59, 60, 3_599, 3_600, 172_799, 172_800].map((s) => ago(at, Date.parse(at) + s * 1000));
  expect(since).toEqual(['0 s ago', '59 s ago', '1 min ago', '60 min ago', '1 h ago', '48 h ago', '2 days ago']);
  expect(minute('2026-11-24T18:28:59.867Z')).toBe('2026-11-24 18:28 UTC');
});

it('lets nothing through that steers a terminal', () => {
  expect(printable('a\u001b[31mb\rc\nd\u009be\u202ef\u2028g é ✓')).toBe('a [31mb c d e f g é ✓');
});
