import { Budget } from '@agentkavach/core';
import { expect } from 'vitest';
import { CAP, type Scenario } from '../scenario.ts';

export const loweredCap: Scenario = {
  id: 'lowered-cap',
  title: 'the output cap costs more than there is',
  promise: 'The cap is lowered to what fits, and the answer is cut there.',
  expected: { requests: 1, charge: 'exact' },
  options: ({ usd }) => ({ budget: Budget.total(usd({ input: 500, output: 1000 })) }),
  script: () => () => ({ tokens: 3000, chunkTokens: 100 }),
  async play({ attempt, sim, guard }) {
    const result = await attempt({ prompt: 'Tell me more.', maxOutputTokens: CAP });
    const [budget] = guard.status().budgets;
    expect(sim.ledger.totalNano(), 'the bill').toBeLessThanOrEqual(Math.round((budget?.limit ?? 0) * 1e9));
    return result;
  },
};
