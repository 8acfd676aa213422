import { Budget } from '@agentkavach/core';
import { expect } from 'vitest';
import type { Scenario } from '../scenario.ts';
import { asksForLookup, lookup } from './lookup.ts';

export const stopCondition: Scenario = {
  id: 'stop-condition',
  title: 'a tool loop that never ends, with a stop condition',
  promise: 'With `maxCallsPerRun: 3` the loop ends after three requests, and no error reaches the caller.',
  needs: 'a stop condition',
  expected: { requests: 3, charge: 'exact' },
  options: () => ({ budget: Budget.total(10), guardrails: { maxCallsPerRun: 3 } }),
  script: () => () => asksForLookup,
  async play({ attempt }) {
    const result = await attempt({ prompt: 'Look it up.', tools: [lookup], stops: true });
    expect(result.error, 'the error').toBeUndefined();
    return result;
  },
};
