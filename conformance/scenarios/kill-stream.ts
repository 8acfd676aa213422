import { Budget } from '@agentkavach/core';
import { CAP, type Scenario } from '../scenario.ts';
import { stalling } from './stalling.ts';

export const killStream: Scenario = {
  id: 'kill-stream',
  title: 'a kill in the middle of a stream',
  promise: 'The stream ends with the error, and is charged like an aborted one.',
  needs: 'a stream',
  expected: { requests: 1, charge: 'seen', refusal: 'KAVACH_KILLED' },
  options: () => ({ budget: Budget.total(10) }),
  script: () => () => stalling,
  play: ({ attempt, guard }) => {
    const onText = () => {
      guard.kill('manual');
      return undefined;
    };
    return attempt({ prompt: 'Hi', maxOutputTokens: CAP, onText });
  },
};
