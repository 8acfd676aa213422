import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MinuteSum } from './velocity.ts';

describe('MinuteSum', () => {
  it('forgets what is more than a minute old, and nothing younger than 59 seconds', () => {
    const sum = new MinuteSum();
    sum.add(5, 10_000);
    sum.add(7, 40_000);
    expect(sum.at(40_000)).toBe(12);
    expect(sum.at(69_000)).toBe(12);
    expect(sum.at(71_000)).toBe(7);
    expect(sum.at(101_000)).toBe(0);
  });

  it('starts at any time and survives long pauses', () => {
    const sum = new MinuteSum();
    sum.add(5, 1e12);
    expect(sum.at(1e12 + 1_000)).toBe(5);
    expect(sum.at(5e12)).toBe(0);
    sum.add(2, 5e12);
    expect(sum.at(5e12)).toBe(2);
  });

  it('does not go back with a clock that does', () => {
    const sum = new MinuteSum();
    sum.add(5, 50_000);
    sum.add(2, 20_000);
    expect(sum.at(50_000)).toBe(7);
  });

  it('lies between the sums over the last 59 and the last 60 seconds', () => {
    const entry = fc.record({ wait: fc.integer({ min: 0, max: 90_000 }), amount: fc.integer({ min: 0, max: 1e12 }) });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), fc.integer({ min: 0, max: 70_000 }), (entries, last) => {
        const sum = new MinuteSum();
        const added: { at: number; amount: number }[] = [];
        let now = 0;
        for (const { wait, amount } of entries) {
          now += wait;
          sum.add(amount, now);
          added.push({ at: now, amount });
        }
        now += last;
        const within = (ms: number): number =>
          added.filter(({ at }) => now - at < ms).reduce((total, { amount }) => total + amount, 0);
        expect(sum.at(now)).toBeGreaterThanOrEqual(within(59_001));
        expect(sum.at(now)).toBeLessThanOrEqual(within(60_000));
      }),
    );
  });
});
