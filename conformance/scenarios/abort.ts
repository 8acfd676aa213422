import { Budget } from '@agentkavach/core';
import { expect } from 'vitest';
import { CAP, type Scenario } from '../scenario.ts';

export const abort: Scenario = {
  id: 'abort',
  title: 'the caller aborts before anything came back',
  promise: 'The caller’s own error reaches the caller; what the provider may have billed stays charged.',
  expected: { requests: 1, charge: 'whole' },
  options: () => ({ budget: Budget.total(10) }),
  script: () => () => ({ hang: true }),
  async play({ attempt, sim }) {
    const caller = new AbortController();
    const result = attempt({ prompt: 'Hi', maxOutputTokens: CAP, signal: caller.signal });
    await sim.started(1);
    caller.abort();
    expect((await result).error, 'the caller’s error').toBeDefined();
    return result;
  },
};
