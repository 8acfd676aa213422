import { openai } from '@ai-sdk/openai';
import { AgentKavach, Budget } from '@agentkavach/core';
import { kavach } from '@agentkavach/vercel-ai';
import { isStepCount, tool, ToolLoopAgent, wrapLanguageModel } from 'ai';
import { z } from 'zod';

const guard = new AgentKavach({
  agentName: 'newsletter',
  budget: [Budget.daily(5), Budget.perTag(1, 'daily')],
  guardrails: { maxCallsPerRun: 30 },
});
const model = wrapLanguageModel({ model: openai('gpt-4o-mini'), middleware: kavach(guard) });

const researcher = new ToolLoopAgent({ model, instructions: 'Answer in two sentences.' });
const research = tool({
  description: 'Asks a researcher about one topic.',
  inputSchema: z.object({ topic: z.string() }),
  // A run inside the editor's run: it is held to the guardrails by itself, and counts in the editor's too.
  execute: ({ topic }) =>
    guard.run({ tags: ['research'] }, async ({ signal }) => {
      const { text } = await researcher.generate({ prompt: topic, abortSignal: signal });
      return text;
    }),
});
const editor = new ToolLoopAgent({
  model,
  instructions: 'You write a newsletter. Have each topic researched first.',
  tools: { research },
  stopWhen: isStepCount(10),
});

await guard.run({ user: 'editor-1' }, async ({ signal }) => {
  const { text } = await editor.generate({ prompt: 'Tides, lighthouses, whales.', abortSignal: signal });
  console.log(text);
  console.log(`${guard.status().run.calls} calls, those of the researchers included`);
});
console.log(guard.status().budgets);
