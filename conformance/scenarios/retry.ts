import { Budget } from '@agentkavach/core';
import { expect } from 'vitest';
import type { Scenario } from '../scenario.ts';

export const retry: Scenario = {
  id: 'retry',
  title: 'a 500, and the framework tries again',
  promise: 'Each attempt is a call; the one that failed costs nothing.',
  expected: { requests: 2, charge: 'exact' },
  options: () => ({ budget: [Budget.total(10), Budget.calls(10, 'total', { name: 'calls' })] }),
  script() {
    let asked = 0;
    return () => {
      asked += 1;
      return asked === 1 ? { error: { status: 500, retryAfter: 0 } } : { text: 'at last' };
    };
  },
  async play({ attempt }) {
    const result = await attempt({ prompt: 'Hi', retries: 1 });
    expect(result.text, 'the answer').toBe('at last');
    return result;
  },
};
