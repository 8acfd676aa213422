/** The models that subjects ask, each with a cheaper one of its provider. The simulator knows the prices of all. */
import type { Departure, Subject } from '../subject.ts';

type Asked = Pick<Subject, 'provider' | 'model' | 'cheaper'>;

export const GPT_4O = { provider: 'openai', model: 'gpt-4o', cheaper: 'gpt-4o-mini' } as const satisfies Asked;
export const GPT_4_1 = { provider: 'openai', model: 'gpt-4.1', cheaper: 'gpt-4.1-mini' } as const satisfies Asked;
export const CLAUDE = {
  provider: 'anthropic',
  model: 'claude-sonnet-4-6',
  cheaper: 'claude-haiku-4-5',
} as const satisfies Asked;
export const GEMINI = {
  provider: 'google',
  model: 'gemini-2.0-flash',
  cheaper: 'gemini-2.0-flash-lite',
} as const satisfies Asked;
export const MISTRAL = {
  provider: 'mistral',
  model: 'mistral-medium-latest',
  cheaper: 'mistral-small-latest',
} as const satisfies Asked;

/** Where `onThreshold` finds nothing to switch, for the reason that is given. */
export const keepsItsModel = (why: string): Readonly<Record<string, Departure>> => ({
  'cheaper-model': {
    kind: 'differs',
    why: `${why}: the dear one goes on until the budget is used up.`,
    expected: { requests: 3, switched: 0, refusal: 'KAVACH_BUDGET_EXCEEDED' },
  },
});
