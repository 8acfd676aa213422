import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { makeChannel } from './channel.ts';
import { numberFrom, oneOf, record, text } from './check.ts';

describe('the checks', () => {
  it('take what lies on the bounds and nothing beyond', () => {
    const share = numberFrom(0, 1, { example: '0.5' });
    for (const value of [0, 0.5, 1]) expect(share(value, 'share')).toBe(value);
    for (const value of [-1e-9, 1 + 1e-9, Number.NaN, '1', undefined])
      expect(() => share(value, 'share')).toThrow(/share must be a number from 0 to 1.*0\.5/);
    const count = numberFrom(1, 9, { integer: true, example: '3' });
    for (const value of [1.5, 0, 10]) expect(() => count(value, 'count')).toThrow(/count must be a whole number/);
  });

  it('name the words of a choice', () => {
    expect(oneOf('a', 'b')('b', 'letter')).toBe('b');
    expect(() => oneOf('a', 'b')('c', 'letter')).toThrow(`letter must be one of 'a', 'b', got "c".`);
  });

  it('take text without control characters', () => {
    expect(text(3, `'x'`)('äöü', 'name')).toBe('äöü');
    for (const value of ['', 'abcd', 'a\tb', 'a\u007f', 5])
      expect(() => text(3, `'x'`)(value, 'name')).toThrow(ConfigError);
  });

  it('take objects only', () => {
    for (const value of [null, [], 'x', 5, undefined])
      expect(() => record(value, 'thing', [])).toThrow(/thing must be an object/);
  });
});

describe('a kill channel', () => {
  it('is checked when it is made', () => {
    expect(makeChannel('kill', { threshold: 0.8 })).toMatchObject({ type: 'kill', threshold: 0.8 });
    for (const threshold of [0, -0.5, 1.01, 80, Number.NaN, '0.8', undefined])
      expect(() => makeChannel('kill', { threshold: threshold as number })).toThrow(/threshold/);
    expect(() => makeChannel('kill', { threshold: 0.5, budgetType: 'usd' as 'cost' })).toThrow(
      /budgetType must be one of 'cost'/,
    );
    expect(() => makeChannel('pager' as 'kill', { threshold: 0.5 })).toThrow(ConfigError);
    expect(() => makeChannel('kill', undefined as never)).toThrow(ConfigError);
  });
});
