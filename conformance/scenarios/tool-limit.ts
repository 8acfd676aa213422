import { Budget } from '@agentkavach/core';
import type { Scenario } from '../scenario.ts';
import { lookup } from './lookup.ts';

export const toolLimit: Scenario = {
  id: 'tool-limit',
  title: 'a model asks for tools in threes',
  promise: 'With `maxToolCallsPerRun: 4`, the call after the sixth tool call is refused.',
  expected: { requests: 2, charge: 'exact', refusal: 'KAVACH_TOOL_LIMIT' },
  options: () => ({ budget: Budget.total(10), guardrails: { maxToolCallsPerRun: 4 } }),
  script: () => () => ({ toolCalls: [{ name: 'lookup' }, { name: 'lookup' }, { name: 'lookup' }] }),
  play: ({ attempt }) => attempt({ prompt: 'Look it up.', tools: [lookup] }),
};
