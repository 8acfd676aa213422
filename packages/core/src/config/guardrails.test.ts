import { describe, expect, it } from 'vitest';
import { Budget } from '../budget/budget.ts';
import { ConfigError } from '../errors.ts';
import { withEnvironment } from './env.ts';
import { checkGuardrails } from './guardrails.ts';
import { checkOptions } from './options.ts';

const four = { calls: 4, errors: 4, cycles: 4, messages: 4 };

describe('the guardrails', () => {
  it('are none by default', () => {
    expect(checkGuardrails(undefined)).toEqual({ limits: {}, loops: undefined });
    expect(checkGuardrails({}).loops).toBeUndefined();
    expect(checkGuardrails({ detectLoops: false, loopThreshold: 4 }).loops).toBeUndefined();
  });

  it('look for loops by each rule’s own threshold, or by one for all', () => {
    expect(checkGuardrails({ detectLoops: true }).loops).toEqual({ calls: 4, errors: 3, cycles: 3, messages: 3 });
    expect(checkGuardrails({ detectLoops: true, loopThreshold: 4 }).loops).toEqual(four);
  });

  it.each([
    [{ detectLoops: 'yes' }, 'guardrails.detectLoops'],
    [{ detectLoops: true, loopThreshold: 1 }, 'guardrails.loopThreshold'],
    [{ detectLoops: true, loopThreshold: 2.5 }, 'guardrails.loopThreshold'],
    [{ detectLoops: true, loopThreshold: 101 }, 'guardrails.loopThreshold'],
    [{ loopThreshold: 3 }, 'guardrails.loopThreshold'],
    [{ detectLoop: true }, 'guardrails.detectLoop'],
  ])('name what is wrong in %j', (guardrails, path) => {
    expect(() => checkGuardrails(guardrails)).toThrow(ConfigError);
    expect(() => checkGuardrails(guardrails)).toThrow(expect.objectContaining({ path }));
  });

  it('come from the environment too', () => {
    const environment = { AGENTKAVACH_DETECT_LOOPS: 'true', AGENTKAVACH_LOOP_THRESHOLD: '4' };
    const read = (guardrails?: object) =>
      checkOptions(withEnvironment({ budget: Budget.daily(1), guardrails }, environment)).loops;
    expect(read()).toEqual(four);
    expect(read({ loopThreshold: 6 })?.calls).toBe(6);
    expect(read({ detectLoops: false })).toBeUndefined();
    const wrong = () => withEnvironment({}, { AGENTKAVACH_DETECT_LOOPS: 'perhaps' });
    expect(wrong).toThrow(/AGENTKAVACH_DETECT_LOOPS must be true or false/);
  });
});
