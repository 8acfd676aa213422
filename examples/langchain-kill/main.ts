import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { kavachHandler, kavachMiddleware } from '@agentkavach/langchain';
import { createAgent } from 'langchain';

const guard = new AgentKavach({
  agentName: 'novelist',
  budget: Budget.daily(1),
  onKill: (reason) => console.log(`\nonKill: ${reason}`),
});
const agent = createAgent({ model: 'openai:gpt-4o-mini', tools: [], middleware: [kavachMiddleware(guard)] });
const ask = (content: string) => ({ messages: [{ role: 'user', content }] });

try {
  const config = { ...kavachHandler(guard).config(), streamMode: 'messages' as const };
  let shown = 0;
  for await (const [{ text }] of await agent.stream(ask('Write a novel about a lighthouse.'), config)) {
    process.stdout.write(text);
    shown += text.length;
    // With a backend, `npx agentkavach kill novelist` or the dashboard's button does the same in every process.
    if (shown > 100) guard.kill();
  }
} catch (error) {
  console.log('in flight:', findKavachError(error)?.message ?? error);
}

guard.resume();
const { messages } = await agent.invoke(ask('Say hello.'));
console.log(`after resume(): ${messages.at(-1)?.text}`);
console.log(guard.status().budgets);
