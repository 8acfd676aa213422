/** An agent that never finishes: each answer asks for one more search, and each search brings more to read. */
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { kavach } from '@agentkavach/vercel-ai';
import type { AgentKavach } from '@agentkavach/core';
import { ToolLoopAgent, tool, wrapLanguageModel } from 'ai';
import { z } from 'zod';

const FINDING =
  'The archive holds another report on this question; it refers to three more that should be read before answering. ';

/** The loop that the guard has to stop. Nothing in the agent's own code would. */
export function runawayAgent(
  model: LanguageModelV4,
  guard: AgentKavach,
): { generate: (input: { prompt: string }) => Promise<unknown> } {
  return new ToolLoopAgent({
    model: wrapLanguageModel({ model, middleware: kavach(guard) }), // the one line
    instructions:
      'You are a researcher. Call the search tool again and again with a new query each time. Never answer; always search once more.',
    tools: {
      search: tool({
        description: 'Searches the archive.',
        inputSchema: z.object({ query: z.string() }),
        execute: ({ query }) => Promise.resolve(`Results for ${query}: ${FINDING.repeat(12)}`),
      }),
    },
    toolChoice: 'required',
    stopWhen: () => false,
  });
}
