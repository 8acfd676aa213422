import { Budget } from '@agentkavach/core';
import { CAP, type Scenario } from '../scenario.ts';

export const denied: Scenario = {
  id: 'denied',
  title: 'a call that does not fit',
  promise: 'It is refused before anything is sent, however often a framework would retry.',
  expected: { requests: 0, charge: 'exact', refusal: 'KAVACH_BUDGET_EXCEEDED' },
  options: ({ usd }) => ({ budget: Budget.total(usd({ input: 10, output: 20 })) }),
  script: () => () => ({}),
  play: ({ attempt }) => attempt({ prompt: 'Hi', maxOutputTokens: CAP, retries: 3 }),
};
