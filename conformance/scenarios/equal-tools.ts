import { Budget } from '@agentkavach/core';
import { expect } from 'vitest';
import type { Scenario } from '../scenario.ts';
import { lookup } from './lookup.ts';

export const equalTools: Scenario = {
  id: 'equal-tools',
  title: 'the same tool call five times in one answer',
  promise: 'With `detectLoops` that is no loop: the model has asked once, before it saw any result.',
  expected: { requests: 2, charge: 'exact' },
  options: () => ({ budget: Budget.total(10), guardrails: { detectLoops: true } }),
  script() {
    let steps = 0;
    return () => {
      steps += 1;
      return steps === 1 ? { toolCalls: Array.from({ length: 5 }, () => ({ name: lookup.name })) } : { text: 'done' };
    };
  },
  async play({ attempt }) {
    const result = await attempt({ prompt: 'Look it up.', tools: [lookup] });
    expect(result.text, 'the last answer').toBe('done');
    return result;
  },
};
