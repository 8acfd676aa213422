import { Budget } from '@agentkavach/core';
import { expect } from 'vitest';
import type { Scenario } from '../scenario.ts';
import { answersAtLength, askFiveTimes, ROOM, WORTH_ASKING } from './exhausted.ts';

export const exhaustedTokens: Scenario = {
  id: 'exhausted-tokens',
  title: 'answers use up a budget in tokens',
  promise: 'Where three answers fit and a fourth does not, three are asked for; the provider’s own tokens are counted.',
  expected: { requests: 3, charge: 'exact', refusal: 'KAVACH_BUDGET_EXCEEDED' },
  options: () => ({ budget: [Budget.total(10), Budget.tokens(ROOM, 'total', { name: 'tokens' })], ...WORTH_ASKING }),
  script: answersAtLength,
  async play(stage) {
    const refusal = await askFiveTimes(stage);
    const billed = stage.sim.ledger.entries.reduce((sum, { usage }) => sum + usage.inputTokens + usage.outputTokens, 0);
    expect(stage.guard.status().budgets[1]?.spent, 'tokens spent').toBe(billed);
    return refusal;
  },
};
