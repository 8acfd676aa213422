import { Budget } from '@agentkavach/core';
import { CAP, type Scenario } from '../scenario.ts';
import { stalling } from './stalling.ts';

export const consumerBreak: Scenario = {
  id: 'consumer-break',
  title: 'the consumer breaks out of a stream',
  promise: 'The provider is disconnected; charged is the input, what the stream showed, and a margin.',
  needs: 'a stream',
  expected: { requests: 1, charge: 'seen' },
  options: () => ({ budget: Budget.total(10), idleMs: 60 }),
  script: () => () => stalling,
  play: ({ attempt }) => attempt({ prompt: 'Hi', maxOutputTokens: CAP, onText: () => 'leave' }),
};
