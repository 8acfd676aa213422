import { Budget } from '@agentkavach/core';
import { CAP, type Scenario } from '../scenario.ts';

export const kill: Scenario = {
  id: 'kill',
  title: 'a kill while the provider is thinking',
  promise: 'The caller is free at once, the provider is disconnected, and the next call is not sent.',
  expected: { requests: 1, charge: 'whole', refusal: 'KAVACH_KILLED' },
  options: () => ({ budget: Budget.total(10) }),
  script: () => () => ({ hang: true }),
  async play({ attempt, sim, guard }) {
    const result = attempt({ prompt: 'Hi', maxOutputTokens: CAP });
    await sim.started(1);
    guard.kill('manual');
    await result;
    await attempt({ prompt: 'Hi again', maxOutputTokens: CAP });
    return result;
  },
};
