import { Budget } from '@agentkavach/core';
import type { Scenario } from '../scenario.ts';
import { asksForLookup } from './lookup.ts';

export const explodingOutput: Scenario = {
  id: 'exploding-output',
  title: 'a tool answers with 400 KB',
  promise: 'The next call would cost more than there is, so it is not sent.',
  expected: { requests: 1, charge: 'exact', refusal: 'KAVACH_BUDGET_EXCEEDED' },
  options: ({ usd }) => ({ budget: Budget.total(usd({ input: 20_000, output: 1000 })) }),
  script: () => () => asksForLookup,
  play: ({ attempt }) =>
    attempt({
      prompt: 'Read the file.',
      maxOutputTokens: 500,
      tools: [{ name: 'lookup', execute: () => 'every word costs '.repeat(24_000) }],
    }),
};
