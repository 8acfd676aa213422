import { describe, expect, it } from 'vitest';
import { show } from './show.ts';

describe('show', () => {
  it('shows values without what may be secret', () => {
    expect(show('passthrough')).toBe('"passthrough"');
    expect(show('x'.repeat(32))).toBe('a text of 32 characters');
    expect(show({ key: 'secret' })).toBe('an object');
    expect(show(() => 'secret')).toBe('a function');
    expect([show(['secret']), show(null), show(undefined), show(Number.NaN)]).toEqual([
      'an array',
      'null',
      'undefined',
      'NaN',
    ]);
  });
});
