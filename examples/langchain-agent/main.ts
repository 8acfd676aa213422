import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { kavachMiddleware } from '@agentkavach/langchain';
import { createAgent, tool } from 'langchain';
import { z } from 'zod';

const guard = new AgentKavach({ agentName: 'weather-bot', budget: Budget.daily(0.02) });

const weather = tool(({ city }) => `${city}: 21 degrees, sunny`, {
  name: 'weather',
  description: 'The weather in a city.',
  schema: z.object({ city: z.string() }),
});
const agent = createAgent({ model: 'openai:gpt-4o', tools: [weather], middleware: [kavachMiddleware(guard)] });

try {
  const messages = [{ role: 'user', content: 'Compare the weather in every capital of Europe.' }];
  const answer = await agent.invoke({ messages }, { recursionLimit: 200 });
  console.log(answer.messages.at(-1)?.text);
} catch (error) {
  console.log(findKavachError(error)?.message ?? error);
}
console.log(guard.status().budgets);
