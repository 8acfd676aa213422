import { openai } from '@ai-sdk/openai';
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { kavach } from '@agentkavach/vercel-ai';
import { generateText, isStepCount, tool, wrapLanguageModel } from 'ai';
import { z } from 'zod';

const guard = new AgentKavach({ agentName: 'weather-bot', budget: Budget.daily(0.02) });
const model = wrapLanguageModel({ model: openai('gpt-4o'), middleware: kavach(guard) });

const weather = tool({
  description: 'The weather in a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => Promise.resolve(`${city}: 21 degrees, sunny`),
});
try {
  const prompt = 'Compare the weather in every capital of Europe.';
  const { text } = await generateText({ model, prompt, tools: { weather }, stopWhen: isStepCount(100) });
  console.log(text);
} catch (error) {
  console.log(findKavachError(error)?.message ?? error);
}
console.log(guard.status().budgets);
