import { Mastra } from '@mastra/core';
import { Agent } from '@mastra/core/agent';
import { AgentKavach, Budget } from '@agentkavach/core';
import { kavach } from '@agentkavach/mastra';

const guard = new AgentKavach({ agentName: 'newsletter', budget: Budget.daily(5), guardrails: { maxCallsPerRun: 30 } });

const researcher = new Agent({
  id: 'researcher',
  name: 'Researcher',
  description: 'Researches one topic.',
  instructions: 'Answer in two sentences.',
  model: 'openai/gpt-4o-mini',
});
const editor = new Agent({
  id: 'editor',
  name: 'Editor',
  instructions: 'You write a newsletter. Have each topic researched first.',
  model: 'openai/gpt-4o-mini',
  agents: { researcher },
});
// One registration guards all of them, also agents that only other agents know.
const mastra = kavach(guard).register(new Mastra({ agents: { editor } }));

await guard.run({ user: 'editor-1' }, async ({ signal }) => {
  const { text } = await mastra
    .getAgent('editor')
    .generate('Tides, lighthouses, whales.', { maxSteps: 10, abortSignal: signal });
  console.log(text);
  console.log(`${guard.status().run.calls} calls, those of the researcher included`);
});
console.log(guard.status().budgets);
