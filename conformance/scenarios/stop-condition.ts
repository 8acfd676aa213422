import { Budget } from '@agentkavach/core';
import { expect } from 'vitest';
import type { Scenario } from '../scenario.ts';
import { asksAgain, explodes, forOrdinaryPrompts } from './exploding-output.ts';
import { lookup } from './lookup.ts';

export const stopCondition: Scenario = {
  id: 'stop-condition',
  title: 'a tool loop that never ends, with a stop condition',
  promise: 'With `maxCallsPerRun: 3` the loop ends after three requests, and no error reaches the caller.',
  needs: 'a stop condition',
  expected: { requests: 3, charge: 'exact' },
  options: () => ({ budget: Budget.total(10), guardrails: { maxCallsPerRun: 3 } }),
  script: asksAgain,
  async play({ attempt }) {
    const result = await attempt({ prompt: 'Look it up.', tools: [lookup], stops: true });
    expect(result.error, 'the error').toBeUndefined();
    return result;
  },
};

export const stopBeforePrompt: Scenario = {
  id: 'stop-before-prompt',
  title: 'a tool answers with 400 KB, with a stop condition',
  promise: 'The next call would cost more than there is: the loop ends before it, and no error reaches the caller.',
  needs: 'a stop condition',
  expected: { requests: 1, charge: 'exact' },
  options: forOrdinaryPrompts,
  script: asksAgain,
  async play({ attempt }) {
    const result = await attempt({ ...explodes, stops: true });
    expect(result.error, 'the error').toBeUndefined();
    return result;
  },
};
