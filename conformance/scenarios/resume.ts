import { Budget } from '@agentkavach/core';
import { expect } from 'vitest';
import type { Scenario } from '../scenario.ts';

export const resume: Scenario = {
  id: 'resume',
  title: 'killed between two calls, then resumed',
  promise: 'What is asked in between is not sent; afterwards everything goes on.',
  expected: { requests: 2, charge: 'exact', refusal: 'KAVACH_KILLED' },
  options: () => ({ budget: Budget.total(10) }),
  script: () => () => ({ text: 'here' }),
  async play({ attempt, guard }) {
    expect((await attempt({ prompt: 'Before' })).text, 'the answer before the kill').toBe('here');
    guard.kill('manual');
    const between = await attempt({ prompt: 'Between' });
    guard.resume();
    expect((await attempt({ prompt: 'After' })).text, 'the answer after resume()').toBe('here');
    return between;
  },
};
