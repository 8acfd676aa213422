import { FakeClock } from '@agentkavach/core/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Attempts } from './attempts.ts';

it('allows so many in a window, and says when the next one may come', () => {
  const clock = new FakeClock(0);
  const attempts = new Attempts({ limit: 2, windowMs: 100 }, () => clock.now());
  expect(attempts.take('a')).toBe(0);
  clock.advance(30);
  expect(attempts.spent('a')).toBe(false);
  expect(attempts.take('a')).toBe(0);
  expect(attempts.spent('a')).toBe(true);
  expect(attempts.take('a')).toBe(70);
  expect(attempts.take('b')).toBe(0);
  clock.advance(70);
  expect(attempts.spent('a')).toBe(false);
  expect(attempts.take('a')).toBe(0);
});

it('forgets a key when told to', () => {
  const attempts = new Attempts({ limit: 1, windowMs: 100 }, () => 0);
  attempts.take('a');
  attempts.clear('a');
  expect(attempts.take('a')).toBe(0);
});

it('remembers a bounded number of keys, and gives up the oldest', () => {
  const attempts = new Attempts({ limit: 1, windowMs: 100 }, () => 0, 3);
  for (const key of ['a', 'b', 'c', 'd']) attempts.take(key);
  expect(attempts.spent('a')).toBe(false);
  expect(['b', 'c', 'd'].map((key) => attempts.spent(key))).toEqual([true, true, true]);
});

it('never lets more than the limit through in one window', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b'), wait: fc.nat(60) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, limit) => {
      const clock = new FakeClock(0);
      const attempts = new Attempts({ limit, windowMs: 100 }, () => clock.now());
      const windows = new Map<string, { start: number; count: number }>();
      for (const { key, wait } of steps) {
        clock.advance(wait);
        const open = windows.get(key);
        const window = open && clock.now() - open.start < 100 ? open : { start: clock.now(), count: 0 };
        windows.set(key, window);
        const allowed = attempts.take(key) === 0;
        expect(allowed).toBe(window.count < limit);
        if (allowed) window.count += 1;
      }
    }),
  );
});
