/** What the LangChain subjects share: the model, its tools and its messages. */
import type { InMemoryCache } from '@langchain/core/caches';
import { AIMessage, HumanMessage, ToolMessage, type BaseMessage } from '@langchain/core/messages';
import { tool, type StructuredToolInterface } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import type { Simulator } from '@agentkavach/simulator';
import { z } from 'zod';
import type { Task, ToolSpec } from '../subject.ts';
import type { Answer, Dialect } from './conversation.ts';
import { GPT_4O } from './models.ts';

/** LangChain's OpenAI model, at the simulator. */
export function chatModel(
  sim: Simulator,
  cache: InMemoryCache,
  { model = GPT_4O.model, maxOutputTokens, retries = 0, cached = false }: Task,
): ChatOpenAI {
  return new ChatOpenAI({
    model,
    apiKey: 'test',
    configuration: { baseURL: sim.baseURL('openai') },
    maxRetries: retries,
    ...(maxOutputTokens !== undefined && { maxTokens: maxOutputTokens }),
    ...(cached && { cache }),
  });
}

/** The task's tools, as LangChain takes them. */
export function toolsOf({
  tools = [],
}: {
  readonly tools?: readonly ToolSpec[] | undefined;
}): StructuredToolInterface[] {
  return tools.map(({ name, execute }) =>
    tool(async () => execute(), { name, description: `Does ${name}.`, schema: z.object({}) }),
  );
}

export const langChain: Dialect<BaseMessage> = {
  // An id of its own: graphs give others a new one each time, and their cache would never find the same prompt again.
  user: (prompt) => new HumanMessage({ id: prompt, content: prompt }),
  told: (results) =>
    results.map(({ id, name, output }) => new ToolMessage({ tool_call_id: id, name, content: output })),
};

/** A message of the model, as the hand-written loop reads it. */
export function readMessage(message: BaseMessage): Answer<BaseMessage> {
  const calls = AIMessage.isInstance(message) ? (message.tool_calls ?? []) : [];
  return { text: message.text, wants: calls.map(({ id = '', name }) => ({ id, name })), said: [message] };
}
