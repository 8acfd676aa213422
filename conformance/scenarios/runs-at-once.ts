import { Budget } from '@agentkavach/core';
import { expect } from 'vitest';
import type { Scenario } from '../scenario.ts';
import { asksForLookup, lookup } from './lookup.ts';

export const runsAtOnce: Scenario = {
  id: 'runs-at-once',
  title: 'two runs at once, in each a tool loop',
  promise: 'Each `guard.run` counts its own calls, also where the framework goes through queues: twice two are four.',
  expected: { requests: 4, calls: 0, charge: 'exact', refusal: 'KAVACH_CALL_LIMIT' },
  options: () => ({ budget: Budget.total(10), guardrails: { maxCallsPerRun: 2 } }),
  script: () => () => asksForLookup,
  async play({ attempt, guard }) {
    const inRun = (runId: string) =>
      guard.run({ runId }, async () => {
        const result = await attempt({ prompt: `Look it up for ${runId}.`, tools: [lookup] });
        return { result, calls: guard.status().run.calls };
      });
    const [one, two] = await Promise.all([inRun('one'), inRun('two')]);
    expect([one.calls, two.calls], 'calls of each run').toEqual([2, 2]);
    return one.result;
  },
};
