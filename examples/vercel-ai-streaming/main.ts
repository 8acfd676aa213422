import { openai } from '@ai-sdk/openai';
import { AgentKavach, Budget } from '@agentkavach/core';
import { kavach } from '@agentkavach/vercel-ai';
import { streamText, wrapLanguageModel } from 'ai';

const guard = new AgentKavach({ agentName: 'storyteller', budget: Budget.daily(1) });
const model = wrapLanguageModel({ model: openai('gpt-4o-mini'), middleware: kavach(guard) });
guard.on('spend', ({ outcome, usd, estimated }) => {
  console.log(`\n${outcome}, $${usd.toFixed(6)}${estimated ? ' at most' : ''}`);
});

// Read to its end: the provider says what it billed.
const hello = streamText({ model, prompt: 'Say hello in three languages.' });
for await (const text of hello.textStream) process.stdout.write(text);

// Left early: abort, and the provider stops. The prompt and what was shown are charged, with a small margin.
const reader = new AbortController();
const novel = streamText({ model, prompt: 'Write a novel about a lighthouse.', abortSignal: reader.signal });
let shown = 0;
for await (const text of novel.textStream) {
  process.stdout.write(text);
  shown += text.length;
  if (shown <= 100) continue;
  reader.abort();
  break;
}
console.log(guard.status().budgets);
