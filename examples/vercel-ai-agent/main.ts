import { openai } from '@ai-sdk/openai';
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { kavach, kavachStopWhen } from '@agentkavach/vercel-ai';
import { isStepCount, tool, ToolLoopAgent, wrapLanguageModel } from 'ai';
import { z } from 'zod';

const guard = new AgentKavach({
  agentName: 'travel-planner',
  budget: [Budget.daily(5), Budget.perUser(0.5, 'daily')],
  guardrails: { maxCallsPerRun: 20, maxRuntimeSeconds: 120, detectLoops: true },
  onKill: (reason) => console.log(`Stopped: ${reason}`),
});

const weather = tool({
  description: 'The weather in a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => {
    guard.charge(0.001, 'weather-api'); // what the tool itself costs
    return `${city}: 21 degrees, sunny`;
  },
});
const agent = new ToolLoopAgent({
  model: wrapLanguageModel({ model: openai('gpt-4o-mini'), middleware: kavach(guard) }),
  instructions: 'You plan weekends. Look at the weather before you answer.',
  tools: { weather },
  // Ends with the steps so far where the next call would be refused.
  stopWhen: [isStepCount(20), kavachStopWhen(guard)],
});

try {
  // One run for each request: guardrails count in it, and the user's own budget is charged.
  const { text, steps } = await guard.run({ user: 'u1' }, ({ signal }) =>
    agent.generate({ prompt: 'Paris, Rome or Oslo this weekend?', abortSignal: signal }),
  );
  console.log(`${text} (${steps.length} steps)`);
} catch (error) {
  const refusal = findKavachError(error);
  if (refusal === undefined) throw error;
  console.log(refusal.message);
}
console.log(guard.status().budgets);
