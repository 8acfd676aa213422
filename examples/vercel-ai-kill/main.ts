import { openai } from '@ai-sdk/openai';
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { kavach } from '@agentkavach/vercel-ai';
import { generateText, streamText, wrapLanguageModel } from 'ai';

const guard = new AgentKavach({
  agentName: 'novelist',
  budget: Budget.daily(1),
  onKill: (reason) => console.log(`\nonKill: ${reason}`),
});
const model = wrapLanguageModel({ model: openai('gpt-4o-mini'), middleware: kavach(guard) });

const novel = streamText({
  model,
  prompt: 'Write a novel about a lighthouse.',
  onError: ({ error }) => console.log('\nin flight:', findKavachError(error)?.message ?? error),
});
let shown = 0;
for await (const text of novel.textStream) {
  process.stdout.write(text);
  shown += text.length;
  // With a backend, `npx agentkavach kill novelist` or the dashboard's button does the same in every process.
  if (shown > 100) guard.kill();
}

try {
  await generateText({ model, prompt: 'Go on.' });
} catch (error) {
  console.log('\nthe next call:', findKavachError(error)?.message ?? error);
}

guard.resume();
const { text } = await generateText({ model, prompt: 'Say hello.' });
console.log(`after resume(): ${text}`);
console.log(guard.status().budgets);
