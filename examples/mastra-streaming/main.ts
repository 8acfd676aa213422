import { Mastra } from '@mastra/core';
import { Agent } from '@mastra/core/agent';
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { kavach } from '@agentkavach/mastra';

const guard = new AgentKavach({ agentName: 'storyteller', budget: Budget.daily(1) });
guard.on('spend', ({ outcome, usd, estimated }) => {
  console.log(`\n${outcome}, $${usd.toFixed(6)}${estimated ? ' at most' : ''}`);
});
const writer = new Agent({ id: 'writer', name: 'Writer', instructions: 'Write well.', model: 'openai/gpt-4o-mini' });
const mastra = kavach(guard).register(new Mastra({ agents: { writer } }));

// Read to its end: the provider says what it billed.
const hello = await mastra.getAgent('writer').stream('Say hello in three languages.');
for await (const text of hello.textStream) process.stdout.write(text);

// Left early: abort. Mastra reads a stream to its end by itself, so a break alone saves nothing.
const reader = new AbortController();
const novel = await mastra
  .getAgent('writer')
  .stream('Write a novel about a lighthouse.', { abortSignal: reader.signal });
let shown = 0;
for await (const text of novel.textStream) {
  process.stdout.write(text);
  shown += text.length;
  if (shown <= 100) continue;
  reader.abort();
  break;
}

// A refusal or a kill in a stream is its error.
guard.kill();
const refused = await mastra.getAgent('writer').stream('Go on.');
await refused.consumeStream();
console.log(findKavachError(refused.error)?.message);
console.log(guard.status().budgets);
