import { openai } from '@ai-sdk/openai';
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { kavach } from '@agentkavach/vercel-ai';
import { generateText, wrapLanguageModel } from 'ai';
import OpenAI from 'openai';

// One pool for every guard that names it. By itself it is the pool of this process. With AGENTKAVACH_URL and AGENTKAVACH_API_KEY
// (`npx agentkavach dev` prints both) the same code shares it with every other process, survives restarts, and can be changed and
// stopped from outside. The limit holds either way.
const team = Budget.shared('team-research', { limit: 0.0005, period: 'daily' });
const writer = new AgentKavach({ agentName: 'writer', budget: [Budget.daily(1), team] });
const critic = new AgentKavach({ agentName: 'critic', budget: team });

const model = wrapLanguageModel({ model: openai('gpt-4o-mini'), middleware: kavach(writer) });
const client = critic.wrap(new OpenAI());

try {
  for (let round = 1; ; round++) {
    const { text } = await generateText({ model, prompt: `Round ${round}: write a sentence about lighthouses.` });
    const review = await client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: `Review this sentence: ${text}` }],
    });
    console.log(`round ${round}: ${review.choices[0]?.message.content}`);
  }
} catch (error) {
  console.log(findKavachError(error)?.message ?? error);
}
// Both see the pool's whole spend; the writer's own budget has its own part.
console.log(critic.status().budgets, writer.status().budgets);
await Promise.all([writer.close(), critic.close()]);
