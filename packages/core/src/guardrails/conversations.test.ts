import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sameValue } from './canonical.ts';
import { condensed, Conversations } from './conversations.ts';

describe('Conversations', () => {
  it('keeps the newest items of each', () => {
    const kept = new Conversations(3);
    kept.remember('a', [1, 2, 3, 4, 5]);
    expect(kept.recall('a')).toEqual([3, 4, 5]);
    expect(kept.recall('b')).toEqual([]);
  });

  it('forgets the conversations that nobody has gone on with for longest', () => {
    const kept = new Conversations(1);
    for (let i = 0; i < 256; i++) kept.remember(`r${i}`, [i]);
    kept.remember('r0', ['again']);
    kept.remember('new', [1]);
    expect(kept.recall('r0')).toEqual(['again']);
    expect(kept.recall('r1')).toEqual([]);
    expect(kept.recall('r2')).toEqual([2]);
  });
});

describe('condensed', () => {
  it('is small, and tells apart what is', () => {
    const long = 'x'.repeat(1_000_000);
    const item = { output: `${long}1`, call_id: 'c1' };
    expect(JSON.stringify(condensed(item)).length).toBeLessThan(200);
    expect(sameValue(condensed(item), condensed({ ...item }))).toBe(true);
    expect(sameValue(condensed(item), condensed({ ...item, output: `${long}2` }))).toBe(false);
  });

  it('does not keep the text that it is a digest of', () => {
    // The engine shares the memory of a slice with its whole text; what is written anew it does not.
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const kept: unknown[] = [];
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 20; i++) {
      kept.push(condensed(Array.from({ length: 30_000 }, (_, word) => `${i} ${word}`).join(' ')));
    }
    collect();
    expect(kept).toHaveLength(20);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2_000_000);
  });

  it('is the same as another exactly where the values are', () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(sameValue(condensed(a), condensed(structuredClone(a)))).toBe(true);
        expect(sameValue(condensed(a), condensed(b))).toBe(sameValue(a, b));
      }),
    );
  });

  it('is like no other where it would not be small', () => {
    const large = Array.from({ length: 2_000 }, (_, i) => [i]);
    expect(sameValue(condensed(large), condensed(large))).toBe(false);
    const bytes = new Uint8Array(4);
    expect(sameValue(condensed(bytes), condensed(bytes))).toBe(false);
  });
});
