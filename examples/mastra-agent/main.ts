import { Mastra } from '@mastra/core';
import { Agent } from '@mastra/core/agent';
import { createTool } from '@mastra/core/tools';
import { AgentKavach, Budget } from '@agentkavach/core';
import { kavach } from '@agentkavach/mastra';
import { z } from 'zod';

const guard = new AgentKavach({
  agentName: 'weather-bot',
  budget: [Budget.daily(0.02), Budget.perUser(0.02, 'daily')],
  guardrails: { maxRuntimeSeconds: 120 },
});
const plugin = kavach(guard);

const weather = createTool({
  id: 'weather',
  description: 'The weather in a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => Promise.resolve(`${city}: 21 degrees, sunny`),
});
const bot = new Agent({
  id: 'bot',
  name: 'Weather bot',
  instructions: 'Look at the weather before you answer.',
  model: 'openai/gpt-4o',
  tools: { weather },
  // Ends the run with its steps kept, by Mastra's tripwire. Without it, a refusal is an error.
  inputProcessors: [plugin.processor()],
});
const mastra = plugin.register(new Mastra({ agents: { bot } }));

const result = await guard.run({ user: 'u1' }, ({ signal }) =>
  mastra
    .getAgent('bot')
    .generate('Compare the weather in every capital of Europe.', { maxSteps: 100, abortSignal: signal }),
);
console.log(result.tripwire?.metadata ?? result.text, `(${result.steps.length} steps)`);
console.log(guard.status().budgets);
