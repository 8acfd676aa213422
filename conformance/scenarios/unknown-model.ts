import { Budget } from '@agentkavach/core';
import type { Scenario } from '../scenario.ts';

export const unknownModel: Scenario = {
  id: 'unknown-model',
  title: 'a model without a price',
  promise: 'It is refused, and nothing is sent.',
  expected: { requests: 0, charge: 'exact', refusal: 'KAVACH_UNKNOWN_MODEL' },
  options: () => ({ budget: Budget.total(10) }),
  script: () => () => ({}),
  play: ({ attempt }) => attempt({ prompt: 'Hi', model: 'no-such-model' }),
};
