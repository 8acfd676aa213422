import { Budget } from '@agentkavach/core';
import type { Scenario } from '../scenario.ts';
import { asksForLookup, lookup } from './lookup.ts';

export const limitRaised: Scenario = {
  id: 'limit-raised',
  title: 'a limit is raised while an agent runs',
  promise: 'Two calls, raised to four by a tool of the second, are four.',
  expected: { requests: 4, charge: 'exact', refusal: 'KAVACH_BUDGET_EXCEEDED' },
  options: () => ({ budget: [Budget.total(10), Budget.calls(2, 'total', { name: 'calls' })] }),
  script: () => () => asksForLookup,
  play: ({ attempt, guard }) => {
    let executed = 0;
    const execute = (): string => {
      executed += 1;
      if (executed === 2) guard.setLimit('calls', 4);
      return 'nothing found';
    };
    return attempt({ prompt: 'Look it up.', tools: [{ ...lookup, execute }] });
  },
};
