import { Budget } from '@agentkavach/core';
import type { Scenario } from '../scenario.ts';
import { asksForLookup, lookup } from './lookup.ts';

export const stuckLoop: Scenario = {
  id: 'stuck-loop',
  title: 'a tool loop that repeats itself',
  promise: 'With `detectLoops`, the call after four equal tool calls with equal results is refused.',
  expected: { requests: 4, charge: 'exact', refusal: 'KAVACH_LOOP_DETECTED' },
  options: () => ({ budget: Budget.total(10), guardrails: { detectLoops: true } }),
  script: () => () => asksForLookup,
  play: ({ attempt }) => attempt({ prompt: 'Look it up.', tools: [lookup] }),
};
