import { Budget } from '@agentkavach/core';
import { expect } from 'vitest';
import type { Scenario } from '../scenario.ts';

export const errorAnswer: Scenario = {
  id: 'error-answer',
  title: 'the provider refuses the request (400)',
  promise: 'The caller gets the provider’s own error; a call is counted, and nothing is charged.',
  expected: { requests: 1, charge: 'exact' },
  options: () => ({ budget: Budget.total(10) }),
  script: () => () => ({ error: { status: 400 } }),
  async play({ attempt, guard }) {
    const result = await attempt({ prompt: 'Hi' });
    expect(result.error, 'the provider’s error').toBeDefined();
    expect(guard.status().budgets[0]?.spent, 'dollars spent').toBe(0);
    return result;
  },
};
