import { AgentKavach, Budget, ConfigError } from '@agentkavach/core';
import { describe, expect, it } from 'vitest';
import { kavach, kavachEmbedding, kavachImage, kavachProvider, kavachStopWhen } from './index.ts';

const guard = new AgentKavach({ budget: Budget.total(1) });

/** Calls a function as code without types would. */
function untyped(call: unknown): (...args: unknown[]) => unknown {
  return call as (...args: unknown[]) => unknown;
}

describe('what kavach() is given', () => {
  it.each([
    ['null', null],
    ['a number', 0],
    ['a string', 'daily'],
    ['an array', []],
    ['an object of another class', new Map()],
    ['an object of another class', Budget.total(1)],
  ])('%s makes no guard with a default budget', (name, value) => {
    for (const make of [
      kavach,
      kavachEmbedding,
      kavachImage,
      (options: unknown) => untyped(kavachProvider)({}, options),
    ]) {
      expect(() => untyped(make)(value)).toThrow(ConfigError);
      expect(() => untyped(make)(value)).toThrow(`or nothing, got ${name}`);
    }
  });

  it('names a setting that there is not', () => {
    const error = (() => {
      try {
        untyped(kavach)(guard, { onKillStrem: 'throw' });
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    })();
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ path: 'onKillStrem', message: expect.stringContaining('onKillStream') as string });
    expect(() => untyped(kavach)({ onKillStrem: 'throw' })).toThrow(ConfigError);
    expect(() => untyped(kavach)(guard, null)).toThrow(/settings must be an object .* got null/);
    expect(() => untyped(kavach)(guard, 'throw')).toThrow(ConfigError);
  });

  it('may be a guard, options, or options without a prototype', () => {
    const bare = Object.assign(Object.create(null) as object, { budget: Budget.total(1) });
    for (const value of [guard, { budget: Budget.total(1), onKillStream: 'throw' }, bare])
      expect(() => untyped(kavach)(value, {})).not.toThrow();
  });
});

describe('kavachStopWhen()', () => {
  it('takes a guard', async () => {
    expect(await kavachStopWhen(guard)({ steps: [] })).toBe(false);
    for (const value of [undefined, null, {}]) expect(() => untyped(kavachStopWhen)(value)).toThrow(ConfigError);
  });
});
