import Anthropic from '@anthropic-ai/sdk';
import { AgentKavach, Budget } from '@agentkavach/core';

const guard = new AgentKavach({ agentName: 'storyteller', budget: Budget.daily(5) });
guard.on('spend', ({ outcome, usd, estimated }) => {
  console.log(`\n${outcome}, $${usd.toFixed(6)}${estimated ? ' at most' : ''}`);
});
const anthropic = guard.wrap(new Anthropic());
const ask = { model: 'claude-haiku-4-5', max_tokens: 1_000 };

// Read to its end: the provider says what it billed.
const hello = anthropic.messages.stream({
  ...ask,
  messages: [{ role: 'user', content: 'Say hello in three languages.' }],
});
hello.on('text', (text) => process.stdout.write(text));
await hello.finalMessage();

// Left early: a break disconnects the provider. The prompt and what was shown are charged, with a small margin.
const novel = await anthropic.messages.create({
  ...ask,
  messages: [{ role: 'user', content: 'Write a novel about a lighthouse.' }],
  stream: true,
});
let shown = 0;
for await (const event of novel) {
  if (event.type !== 'content_block_delta' || event.delta.type !== 'text_delta') continue;
  process.stdout.write(event.delta.text);
  shown += event.delta.text.length;
  if (shown > 100) break;
}
console.log(guard.status().budgets);
