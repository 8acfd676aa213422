import { describe, expect, it } from 'vitest';
import { sameArguments, sameValue } from './canonical.ts';

describe('sameArguments', () => {
  it.each<[string, unknown, unknown]>([
    ['order of keys', { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
    ['whitespace in JSON text', '{"a":[1,2]}', '{ "a": [1,\n 2] }'],
    ['form of numbers', '{"a":1}', '{"a":1.0e0}'],
    ['escapes', '{"a":"\\u0041"}', '{"a":"A"}'],
    ['text and value', '{"a":1}', { a: 1 }],
    ['nothing, an empty text and {}', undefined, ' {} '],
    ['a field that is undefined', { a: 1, b: undefined }, { a: 1 }],
    ['text that is no JSON', '{broken', '{broken'],
    ['long numbers, up to whitespace', '{"id": 90071992547409931}', '{"id":90071992547409931}'],
  ])('does not mind: %s', (_, a, b) => {
    expect(sameArguments(a, b)).toBe(true);
    expect(sameArguments(b, a)).toBe(true);
  });

  it.each<[string, unknown, unknown]>([
    ['another value', { a: 1 }, { a: 2 }],
    ['another key', { a: 1 }, { b: 1 }],
    ['one field more', { a: 1 }, { a: 1, b: 1 }],
    ['a number and its text', { a: 1 }, { a: '1' }],
    ['null and nothing', { a: null }, {}],
    ['order in a list', { a: [1, 2] }, { a: [2, 1] }],
    ['a list and its object', [1], { 0: 1 }],
    ['numbers that only differ beyond what a number holds', '{"id":90071992547409931}', '{"id":90071992547409932}'],
    ['whitespace inside a text', '{"q":"a b","id":1234567890123456}', '{"q":"ab","id":1234567890123456}'],
    ['text that is no JSON', '{broken', '{Broken'],
  ])('tells apart: %s', (_, a, b) => {
    expect(sameArguments(a, b)).toBe(false);
    expect(sameArguments(b, a)).toBe(false);
  });

  it('compares very long texts as they stand', () => {
    const long = JSON.stringify({ a: 'x'.repeat(70_000) });
    expect(sameArguments(long, ` ${long}`.slice(1))).toBe(true);
    expect(sameArguments(long, ` ${long}`)).toBe(false);
  });
});

describe('sameValue', () => {
  it('compares bytes, dates and NaN by what they hold', () => {
    expect(sameValue(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true);
    expect(sameValue(new Uint8Array([1, 2]), new Uint8Array([1, 3]))).toBe(false);
    expect(sameValue({ at: new Date(5) }, { at: new Date(5) })).toBe(true);
    expect(sameValue({ at: new Date(5) }, { at: new Date(6) })).toBe(false);
    expect(sameValue([Number.NaN], [Number.NaN])).toBe(true);
  });

  it('takes what it can’t look into as different', () => {
    expect(sameValue(new Map([[1, 2]]), new Map([[1, 2]]))).toBe(false);
    expect(sameValue({ f: () => 1 }, { f: () => 1 })).toBe(false);
    const endless: Record<string, unknown> = {};
    endless['self'] = endless;
    const other: Record<string, unknown> = {};
    other['self'] = other;
    expect(sameValue(endless, other)).toBe(false);
    const large = (): unknown[] => Array.from({ length: 60_000 }, (_, i) => [i]);
    expect(sameValue(large(), large())).toBe(false);
  });
});
