import { Budget } from '@agentkavach/core';
import { CAP, type Scenario } from '../scenario.ts';

export const missingUsage: Scenario = {
  id: 'missing-usage',
  title: 'the provider reports no usage',
  promise: 'The call is never free: a stream is charged what it showed, anything else its reservation.',
  expected: { requests: 1, charge: 'whole' },
  streamed: { charge: 'seen' },
  options: () => ({ budget: Budget.total(10) }),
  script: () => () => ({ tokens: 50, omitUsage: true }),
  // Some clients take such an answer for an error; it is charged all the same.
  play: ({ attempt }) => attempt({ prompt: 'Hi', maxOutputTokens: CAP }),
};
