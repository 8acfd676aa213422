import { ChatOpenAI } from '@langchain/openai';
import { StringOutputParser } from '@langchain/core/output_parsers';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { AgentKavach, Budget } from '@agentkavach/core';
import { guardChatModel } from '@agentkavach/langchain';

const guard = new AgentKavach({ agentName: 'storyteller', budget: Budget.daily(1) });
guard.on('spend', ({ outcome, usd, estimated }) => {
  console.log(`\n${outcome}, $${usd.toFixed(6)}${estimated ? ' at most' : ''}`);
});

// The same type comes back: it pipes, binds tools and streams as before.
const model = guardChatModel(new ChatOpenAI({ model: 'gpt-4o-mini' }), guard);
const chain = ChatPromptTemplate.fromTemplate('{task}').pipe(model).pipe(new StringOutputParser());

// Read to its end: the provider says what it billed.
for await (const text of await chain.stream({ task: 'Say hello in three languages.' })) process.stdout.write(text);

// Left early: a break disconnects the provider. The prompt and what was shown are charged, with a small margin.
let shown = 0;
for await (const { text } of await model.stream('Write a novel about a lighthouse.')) {
  process.stdout.write(text);
  shown += text.length;
  if (shown > 100) break;
}
console.log(guard.status().budgets);
