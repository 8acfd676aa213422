import { Budget } from '@agentkavach/core';
import type { Scenario } from '../scenario.ts';

export const retryRefused: Scenario = {
  id: 'retry-refused',
  title: 'a 500 every time, and the framework tries again',
  promise: 'With `maxCallsPerRun: 1` there is no retry, and the refusal itself is not retried.',
  expected: { requests: 1, charge: 'exact', refusal: 'KAVACH_CALL_LIMIT' },
  options: () => ({ budget: Budget.total(10), guardrails: { maxCallsPerRun: 1 } }),
  script: () => () => ({ error: { status: 500, retryAfter: 0 } }),
  play: ({ attempt }) => attempt({ prompt: 'Hi', retries: 1 }),
};
