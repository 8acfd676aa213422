import { Budget } from '@agentkavach/core';
import { CAP, type Scenario } from '../scenario.ts';
import { stalling } from './stalling.ts';

export const abortStream: Scenario = {
  id: 'abort-stream',
  title: 'the caller aborts in the middle of a stream',
  promise: 'Charged is the input, what the stream showed, and a margin for what was under way.',
  needs: 'a stream',
  expected: { requests: 1, charge: 'seen' },
  options: () => ({ budget: Budget.total(10) }),
  script: () => () => stalling,
  play: ({ attempt }) => {
    const caller = new AbortController();
    const onText = () => {
      caller.abort();
      return undefined;
    };
    return attempt({ prompt: 'Hi', maxOutputTokens: CAP, signal: caller.signal, onText });
  },
};
