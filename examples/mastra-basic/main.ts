import { Mastra } from '@mastra/core';
import { Agent } from '@mastra/core/agent';
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { kavach } from '@agentkavach/mastra';

const guard = new AgentKavach({ agentName: 'greeter', budget: Budget.daily(5), guardrails: { maxCallsPerRun: 50 } });
const greeter = new Agent({ id: 'greeter', name: 'Greeter', instructions: 'Be brief.', model: 'openai/gpt-4o-mini' });
const mastra = kavach(guard).register(new Mastra({ agents: { greeter } }));

try {
  const { text } = await mastra.getAgent('greeter').generate('Say hello in three languages.');
  console.log(text);
} catch (error) {
  console.log(findKavachError(error)?.message ?? error);
}
console.log(guard.status().budgets);
