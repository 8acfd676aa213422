import { Budget } from '@agentkavach/core';
import type { Scenario, Stage } from '../scenario.ts';
import type { ToolSpec } from '../subject.ts';
import { lookup } from './lookup.ts';

/** A tool that runs an agent. It swallows the agent's failure, as tools do. */
function delegate({ attempt }: Stage, name: string, tools: readonly ToolSpec[]): ToolSpec {
  return {
    name,
    execute: async () => (await attempt({ prompt: `You are the agent of ${name}.`, tools })).text ?? 'It failed.',
  };
}

export const subAgents: Scenario = {
  id: 'sub-agents',
  title: 'agents three deep on one pool, the innermost never ends',
  promise: 'Six calls for all of them are six; then the outermost stops too, although its tools swallow the refusal.',
  expected: { requests: 6, charge: 'exact', refusal: 'KAVACH_BUDGET_EXCEEDED' },
  options: () => ({ budget: [Budget.total(10), Budget.calls(6, 'total', { name: 'pool' })] }),
  script:
    () =>
    ({ toolNames: [name = ''] }) => ({ toolCalls: [{ name }] }),
  play: (stage) => {
    const inner = delegate(stage, 'inner', [lookup]);
    const middle = delegate(stage, 'middle', [inner]);
    return stage.attempt({ prompt: 'You are the first agent.', tools: [middle] });
  },
};
