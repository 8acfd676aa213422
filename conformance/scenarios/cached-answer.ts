import { Budget } from '@agentkavach/core';
import { expect } from 'vitest';
import type { Scenario } from '../scenario.ts';

export const cachedAnswer: Scenario = {
  id: 'cached-answer',
  title: 'the framework answers from its cache',
  promise: 'The second answer is no call and costs nothing.',
  needs: 'a cache',
  expected: { requests: 1, charge: 'exact' },
  options: () => ({ budget: [Budget.total(10), Budget.calls(5, 'total', { name: 'calls' })] }),
  script: () => () => ({ text: 'the same' }),
  async play({ attempt }) {
    await attempt({ prompt: 'Hi', cached: true });
    const result = await attempt({ prompt: 'Hi', cached: true });
    expect(result.text, 'the second answer').toBe('the same');
    return result;
  },
};
