import { Budget } from '@agentkavach/core';
import { expect } from 'vitest';
import type { Scenario } from '../scenario.ts';

export const plainAnswer: Scenario = {
  id: 'plain-answer',
  title: 'one answer, streamed where the way in streams',
  promise: 'It arrives whole and is charged what the provider billed, cached input apart.',
  expected: { requests: 1, charge: 'exact' },
  options: () => ({ budget: Budget.total(10) }),
  script: () => () => ({ tokens: 60, usage: { inputTokens: 12, cacheRead: 5 } }),
  async play({ attempt }) {
    const streamed: string[] = [];
    const result = await attempt({
      prompt: 'Say something.',
      onText(text) {
        streamed.push(text);
        return undefined;
      },
    });
    expect(result.text?.trim().split(' '), 'words of the answer').toHaveLength(60);
    if (streamed.length > 0) expect(streamed.join(''), 'the streamed text').toBe(result.text);
    return result;
  },
};
