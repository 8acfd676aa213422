import { Budget } from '@agentkavach/core';
import type { Scenario } from '../scenario.ts';
import { answersAtLength, LONG_ENOUGH, ROOM, WORTH_ASKING } from './exhausted.ts';

export const cheaperModel: Scenario = {
  id: 'cheaper-model',
  title: 'half of the budget is spent, and a cheaper model takes over',
  promise:
    'Where three answers fit, `onThreshold` makes four of them: two of the dear model, two of the cheaper one, each charged at its own price.',
  expected: { requests: 4, switched: 2, charge: 'exact' },
  options: ({ usd, cheaper }) => ({
    budget: Budget.total(usd({ input: 0, output: ROOM })),
    onThreshold: { 0.5: { model: cheaper } },
    ...WORTH_ASKING,
  }),
  script: answersAtLength,
  async play({ attempt }) {
    const ask = () => attempt({ prompt: 'Tell me more.', maxOutputTokens: LONG_ENOUGH });
    for (let asked = 0; asked < 3; asked += 1) await ask();
    return ask();
  },
};
