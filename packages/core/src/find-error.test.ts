import { describe, expect, it } from 'vitest';
import { KilledError } from './errors.ts';
import { findKavachError } from './find-error.ts';

const OURS = new KilledError('stopped', 'manual');

describe('findKavachError', () => {
  const wrappers: [string, unknown][] = [
    ['itself', OURS],
    ['a cause', new Error('outer', { cause: OURS })],
    ['a cause of a cause', new Error('a', { cause: new Error('b', { cause: new Error('c', { cause: OURS }) }) })],
    ['an AggregateError', new AggregateError([new Error('other'), OURS])],
    [
      "the AI SDK's RetryError",
      Object.assign(new Error('retry'), { errors: [new Error('first'), OURS], lastError: OURS }),
    ],
    ['a last error alone', { lastError: OURS }],
    ['an error part of a stream', { type: 'error', error: OURS }],
    ['an abort reason', { reason: OURS }],
    ['an original error', { originalError: new Error('x', { cause: OURS }) }],
    ["LangChain's ToolInvocationError", { toolError: OURS }],
    ['a mixture', new AggregateError([new Error('x', { cause: { errors: [{ error: OURS }] } })])],
  ];
  it.each(wrappers)('finds our error in %s', (_, error) => {
    expect(findKavachError(error)).toBe(OURS);
  });

  it.each([[undefined], [null], ['stopped'], [5], [new Error('other')], [{}], [[]], [() => OURS]])(
    'finds none in %s',
    (error) => {
      expect(findKavachError(error)).toBeUndefined();
    },
  );

  it('ends in cycles', () => {
    const a = new Error('a');
    const b = new Error('b', { cause: a });
    a.cause = b;
    expect(findKavachError(a)).toBeUndefined();
    Object.assign(b, { errors: [a, b, OURS] });
    expect(findKavachError(a)).toBe(OURS);
  });

  it('passes by getters and proxies that throw', () => {
    const throwing = {
      get cause(): never {
        throw new Error('getter');
      },
      error: OURS,
    };
    const proxy = new Proxy(
      {},
      {
        get: () => {
          throw new Error('trap');
        },
        getPrototypeOf: () => {
          throw new Error('trap');
        },
      },
    );
    expect(findKavachError(throwing)).toBe(OURS);
    expect(findKavachError({ errors: [proxy, throwing] })).toBe(OURS);
  });

  it('gives up in nests without end', () => {
    let deep: Error = OURS;
    for (let i = 0; i < 100; i++) deep = new Error('wrap', { cause: deep });
    expect(findKavachError(deep)).toBe(OURS);
    for (let i = 0; i < 10_000; i++) deep = new Error('wrap', { cause: deep });
    expect(findKavachError(deep)).toBeUndefined();
  });
});
