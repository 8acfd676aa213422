import { Budget } from '@agentkavach/core';
import { expect } from 'vitest';
import type { Scenario } from '../scenario.ts';

export const burst: Scenario = {
  id: 'burst',
  title: 'twelve calls at once, room for five',
  promise: 'Five are sent; the other seven are refused at once with `waitMs: 0`.',
  expected: { requests: 5, charge: 'exact', refusal: 'KAVACH_BUDGET_EXCEEDED' },
  options: () => ({ budget: [Budget.total(100), Budget.calls(5, 'total', { name: 'calls' })], waitMs: 0 }),
  script: () => () => ({ tokens: 20 }),
  async play({ attempt }) {
    const asked = Array.from({ length: 12 }, (_, n) => attempt({ prompt: `Question ${n}`, maxOutputTokens: 100 }));
    const refused = (await Promise.all(asked)).filter(({ error }) => error !== undefined);
    expect(refused, 'refused').toHaveLength(7);
    return refused[0] ?? {};
  },
};
