import { Budget } from '@agentkavach/core';
import type { Scenario } from '../scenario.ts';
import { answersAtLength, askFiveTimes, ROOM, WORTH_ASKING } from './exhausted.ts';

export const exhaustedDollars: Scenario = {
  id: 'exhausted-dollars',
  title: 'answers use up a budget in dollars',
  promise: 'Where three answers fit and a fourth does not, three are asked for.',
  expected: { requests: 3, charge: 'exact', refusal: 'KAVACH_BUDGET_EXCEEDED' },
  options: ({ usd }) => ({ budget: Budget.total(usd({ input: 0, output: ROOM })), ...WORTH_ASKING }),
  script: answersAtLength,
  play: askFiveTimes,
};
