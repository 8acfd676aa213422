import { Budget } from '@agentkavach/core';
import type { Scenario } from '../scenario.ts';
import { asksForLookup, lookup } from './lookup.ts';

export const toolLoop: Scenario = {
  id: 'tool-loop',
  title: 'a tool loop that never ends',
  promise: '`maxCallsPerRun: 3` is three provider requests, not two and not four.',
  expected: { requests: 3, charge: 'exact', refusal: 'KAVACH_CALL_LIMIT' },
  options: () => ({ budget: Budget.total(10), guardrails: { maxCallsPerRun: 3 } }),
  script: () => () => asksForLookup,
  play: ({ attempt }) => attempt({ prompt: 'Look it up.', tools: [lookup] }),
};
