import { Budget } from '@agentkavach/core';
import type { Scenario } from '../scenario.ts';
import { asksForLookup } from './lookup.ts';

export const toolTimeOut: Scenario = {
  id: 'tool-time-out',
  title: 'a tool outlasts the run’s time',
  promise: 'With `maxRuntimeSeconds: 60` and a tool of 61 seconds, the call after it is refused.',
  expected: { requests: 1, charge: 'exact', refusal: 'KAVACH_RUNTIME_LIMIT' },
  options: () => ({ budget: Budget.total(10), guardrails: { maxRuntimeSeconds: 60 } }),
  script: () => () => asksForLookup,
  play: ({ attempt, clock }) => {
    const execute = (): string => {
      clock.advance(61_000);
      return 'late';
    };
    return attempt({ prompt: 'Look it up.', tools: [{ name: 'lookup', execute }] });
  },
};
