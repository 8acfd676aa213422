import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ChatOpenAI } from '@langchain/openai';
import { AgentKavach, Budget } from '@agentkavach/core';
import { guardChatModel, kavachHandler, kavachMiddleware } from '@agentkavach/langchain';
import { createAgent, tool } from 'langchain';
import { z } from 'zod';

const guard = new AgentKavach({ agentName: 'newsletter', budget: Budget.daily(5), guardrails: { maxCallsPerRun: 30 } });
const model = guardChatModel(new ChatOpenAI({ model: 'gpt-4o-mini' }), guard);

// Agents by the middleware, whatever model they have; where the model is guarded too, each call is charged once.
const middleware = [kavachMiddleware(guard)];
const researcher = createAgent({
  model: 'openai:gpt-4o-mini',
  systemPrompt: 'Answer in two sentences.',
  tools: [],
  middleware,
});
const research = tool(
  async ({ topic }: { topic: string }) => {
    const { messages } = await researcher.invoke({ messages: [{ role: 'user', content: topic }] });
    return messages.at(-1)?.text ?? '';
  },
  { name: 'research', description: 'Researches one topic.', schema: z.object({ topic: z.string() }) },
);
const editor = createAgent({ model, systemPrompt: 'Research each topic.', tools: [research], middleware });

// A graph: one node is an agent, the other asks the guarded model itself.
const graph = new StateGraph(MessagesAnnotation)
  .addNode('draft', async ({ messages }) => {
    const { messages: all } = await editor.invoke({ messages });
    return { messages: all.slice(-1) };
  })
  .addNode('title', async ({ messages }) => ({
    messages: [await model.invoke([...messages, { role: 'user', content: 'Give it a title.' }])],
  }))
  .addEdge(START, 'draft')
  .addEdge('draft', 'title')
  .addEdge('title', END)
  .compile();

await guard.run({ user: 'editor-1' }, async () => {
  const task = { messages: [{ role: 'user', content: 'Tides, lighthouses, whales.' }] };
  // config() ends the whole graph at the first refusal or kill.
  const { messages } = await graph.invoke(task, kavachHandler(guard).config());
  console.log(messages.at(-1)?.text);
  console.log(`${guard.status().run.calls} calls, those of the researcher included`);
});
console.log(guard.status().budgets);
