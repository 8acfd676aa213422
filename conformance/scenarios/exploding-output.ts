import { Budget, type KavachOptions } from '@agentkavach/core';
import type { Script } from '@agentkavach/simulator';
import type { ModelFacts, Scenario, Stage } from '../scenario.ts';
import { asksForLookup } from './lookup.ts';

/** A budget for a prompt of ordinary length. */
export const forOrdinaryPrompts = ({ usd }: ModelFacts): KavachOptions => ({
  budget: Budget.total(usd({ input: 20_000, output: 1000 })),
});

/** The model asks for a tool, and would again. */
export const asksAgain = (): Script => () => asksForLookup;

/** A task whose tool answers with more than the budget can send back. */
export const explodes: Parameters<Stage['attempt']>[0] = {
  prompt: 'Read the file.',
  maxOutputTokens: 500,
  tools: [{ name: 'lookup', execute: () => 'every word costs '.repeat(24_000) }],
};

export const explodingOutput: Scenario = {
  id: 'exploding-output',
  title: 'a tool answers with 400 KB',
  promise: 'The next call would cost more than there is, so it is not sent.',
  expected: { requests: 1, charge: 'exact', refusal: 'KAVACH_BUDGET_EXCEEDED' },
  options: forOrdinaryPrompts,
  script: asksAgain,
  play: ({ attempt }) => attempt(explodes),
};
