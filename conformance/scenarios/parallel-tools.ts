import { Budget } from '@agentkavach/core';
import { expect } from 'vitest';
import type { Scenario } from '../scenario.ts';

export const parallelTools: Scenario = {
  id: 'parallel-tools',
  title: 'three tools in one answer, each asks a guarded model',
  promise: 'The loop’s two calls and the three of its tools are five, on one budget; three tool calls are counted.',
  expected: { requests: 5, charge: 'exact' },
  options: () => ({ budget: Budget.total(10) }),
  script() {
    let steps = 0;
    return ({ toolNames }) => {
      if (toolNames.length === 0) return { text: 'a part' };
      steps += 1;
      return steps === 1 ? { toolCalls: [{ name: 'ask' }, { name: 'ask' }, { name: 'ask' }] } : { text: 'the whole' };
    };
  },
  async play({ attempt, guard }) {
    const ask = { name: 'ask', execute: async () => (await attempt({ prompt: 'Do a part.' })).text ?? 'no answer' };
    const result = await attempt({ prompt: 'Do three parts at once.', tools: [ask] });
    expect(result.text, 'the last answer').toBe('the whole');
    expect(guard.status().run.toolCalls, 'tool calls counted').toBe(3);
    return result;
  },
};
