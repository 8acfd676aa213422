import { describe, expect, it } from 'vitest';
import type { Turn } from '../call.ts';
import { DEFAULT_THRESHOLDS, findLoop, type LoopThresholds } from './loops.ts';
import { call, fail, says, times, together, user } from './testing/trace.ts';

const same = call('read', { path: 'a' }, 'A');
const error = fail('read', { path: 'a' }, 'ENOENT');

/** The rule and count of what is found. */
function found(turns: readonly Turn[], thresholds?: LoopThresholds): [string, number] | undefined {
  const loop = findLoop(turns, thresholds);
  return loop && [loop.rule, loop.count];
}

describe('each rule at its own threshold', () => {
  it.each<[string, number, (n: number) => readonly Turn[]]>([
    ['repeated-call', 4, () => [same]],
    ['repeated-error', 3, () => [error]],
    ['cycle', 3, () => [same, call('edit', {}, 'ok')]],
    ['cycle', 3, () => ['a', 'b', 'c', 'd', 'e'].map((path) => call('read', { path }, path))],
    ['repeated-message', 3, () => [says('Done.')]],
    ['repeated-message', 3, () => [says('Done.'), user('continue')]],
  ])('%s at %i', (rule, limit, turns) => {
    const before = [call('plan', {}, 'planned')];
    expect(found([...before, ...times(limit - 1, turns)])).toBeUndefined();
    expect(found([...before, ...times(limit, turns)])).toEqual([rule, limit]);
    expect(found([...before, ...times(limit + 2, turns)])).toEqual([rule, limit + 2]);
  });

  it('takes other thresholds', () => {
    const thresholds = { calls: 2, errors: 5, cycles: 2, messages: 6 };
    expect(found([same, same], thresholds)).toEqual(['repeated-call', 2]);
    expect(
      found(
        times(4, () => [error]),
        thresholds,
      ),
    ).toBeUndefined();
    expect(
      found(
        times(5, () => [error]),
        thresholds,
      ),
    ).toEqual(['repeated-error', 5]);
    expect(
      found(
        times(5, () => [says('x')]),
        thresholds,
      ),
    ).toBeUndefined();
  });

  it('names what repeats, oldest first', () => {
    const [a, b] = [call('a', {}, 1), call('b', {}, 2)];
    expect(findLoop([a, b, a, b, a, b])?.pattern).toEqual([a, b]);
    expect(findLoop(times(4, () => [same]))?.pattern).toEqual([same]);
    expect(findLoop(times(3, () => [says('x')]))?.pattern).toEqual([says('x')]);
  });

  it('counts a partly finished round of a cycle in any phase', () => {
    const [a, b, c] = [call('a', {}, 1), call('b', {}, 2), call('c', {}, 3)];
    expect(found([b, c, a, b, c, a, b, c, a, b])).toEqual(['cycle', 3]);
  });
});

describe('what is no repetition', () => {
  it.each<[string, Turn]>([
    ['another tool', call('stat', { path: 'a' }, 'A')],
    ['other arguments', call('read', { path: 'b' }, 'A')],
    ['another result', call('read', { path: 'a' }, 'B')],
    ['the same result as an error', fail('read', { path: 'a' }, 'A')],
    ['no result yet', { kind: 'tool', name: 'read', args: { path: 'a' }, result: undefined }],
  ])('%s', (_, other) => {
    expect(found([same, same, same, other])).toBeUndefined();
    expect(found([same, other, same, same])).toBeUndefined();
    expect(found([other, same, same, same])).toBeUndefined();
  });

  it('calls that nobody has answered', () => {
    const unanswered: Turn = { kind: 'tool', name: 'read', args: { path: 'a' }, result: undefined };
    expect(found(times(9, () => [unanswered]))).toBeUndefined();
  });

  it('the same message with a call in between', () => {
    expect(found(times(5, (n) => [says('Next.'), call('read', { n }, n)]))).toBeUndefined();
  });

  it('empty messages', () => {
    expect(found(times(5, () => [says(' ')]))).toBeUndefined();
  });
});

describe('equal calls of one answer', () => {
  it('are one, however many they are', () => {
    const asked = together(...times(9, () => [same]));
    expect(found(asked)).toBeUndefined();
    expect(found(times(3, () => asked))).toBeUndefined();
    expect(found(times(4, () => asked))).toEqual(['repeated-call', 4]);
    expect(found(times(3, () => together(error, error, error)))).toEqual(['repeated-error', 3]);
  });

  it('that got other results are as many as they are', () => {
    expect(found(together(same, call('read', { path: 'a' }, 'B'), same, same))).toBeUndefined();
    expect(found([...times(3, () => [same]), ...together(call('read', { path: 'a' }, 'B'), same)])).toBeUndefined();
  });
});

describe('what the user says', () => {
  const row = times(4, () => [same]);
  const told = times(4, () => [same, user('continue')]);

  it('breaks a row, where it is news', () => {
    expect(found([same, same, user('Try b.'), same, same])).toEqual(['repeated-call', 4]);
    expect(found([same, user('Try b.'), same, user('Try c.'), same, same])).toBeUndefined();
    expect(found([...row, user('Try b.')])).toBeUndefined();
    expect(found([...told, user('Try b.')])).toBeUndefined();
    expect(found([says('Hi'), user('a'), says('Hi'), user('b'), says('Hi')])).toBeUndefined();
  });

  it('does not, where it is the same again', () => {
    expect(found(told)).toEqual(['repeated-call', 4]);
    expect(found(told.slice(0, -1))).toEqual(['repeated-call', 4]);
    expect(found([user('The task.'), ...told])).toEqual(['repeated-call', 4]);
  });

  it('at the end only, waits for its answer', () => {
    const messages = times(3, () => [says('Done.')]);
    expect(found([...messages, user('And now?')])).toBeUndefined();
    expect(found([...messages, user('And now?'), says('Done.')])).toEqual(['repeated-message', 4]);
  });
});

describe('the walk', () => {
  /** Turns that count how many of them are read. */
  function counted(turns: readonly Turn[]): { turns: readonly Turn[]; reads: () => number } {
    const read = new Set<string | symbol>();
    const proxy = new Proxy(turns, {
      get: (target, key) => {
        if (typeof key === 'string' && /^\d+$/.test(key)) read.add(key);
        return Reflect.get(target, key) as unknown;
      },
    });
    return { turns: proxy, reads: () => read.size };
  }

  it('stops after six calls where nothing repeats, however long the conversation is', () => {
    const { turns, reads } = counted(times(5_000, (n) => [call('read', { n }, n)]));
    expect(findLoop(turns)).toBeUndefined();
    expect(reads()).toBe(6);
  });

  it('compares a large result with each other one once', () => {
    let comparisons = 0;
    const large = (): Turn => ({
      kind: 'tool',
      name: 'dump',
      args: {},
      result: {
        get rows() {
          comparisons += 1;
          return 'x';
        },
      },
    });
    expect(found(times(4, () => [large()]))).toEqual(['repeated-call', 4]);
    expect(comparisons).toBeLessThanOrEqual(12);
  });
});

it('the defaults are what the docs say', () => {
  expect(DEFAULT_THRESHOLDS).toEqual({ calls: 4, errors: 3, cycles: 3, messages: 3 });
});
