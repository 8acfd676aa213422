/** OpenAI's chat completions as a conversation: used with plain fetch and with the official client. */
import type OpenAI from 'openai';
import type { Task } from '../subject.ts';
import type { Answer, Dialect } from './conversation.ts';
import { GPT_4O } from './models.ts';

export type ChatMessage = OpenAI.ChatCompletionMessageParam;

export const openAIChat: Dialect<ChatMessage> = {
  user: (prompt) => ({ role: 'user', content: prompt }),
  told: (results) => results.map(({ id, output }) => ({ role: 'tool', tool_call_id: id, content: output })),
};

/** The parts of a request that follow from the task. */
export function chatRequest(
  { model = GPT_4O.model, maxOutputTokens, tools = [] }: Task,
  messages: readonly ChatMessage[],
): OpenAI.ChatCompletionCreateParamsNonStreaming {
  return {
    model,
    messages: [...messages],
    ...(maxOutputTokens !== undefined && { max_completion_tokens: maxOutputTokens }),
    ...(tools.length > 0 && {
      tools: tools.map(({ name }) => ({
        type: 'function',
        function: { name, parameters: { type: 'object', properties: {} } },
      })),
    }),
  };
}

/** A whole answer. */
export function readCompletion({ choices: [choice] }: OpenAI.ChatCompletion): Answer<ChatMessage> {
  if (choice === undefined) throw new Error('An answer without a choice.');
  const { content, tool_calls: calls = [] } = choice.message;
  return {
    text: content ?? '',
    wants: calls.flatMap((call) => (call.type === 'function' ? [{ id: call.id, name: call.function.name }] : [])),
    said: [choice.message],
  };
}

/** A streamed answer, put together as its chunks come. @returns also whether the consumer has left */
export async function readChunks(
  chunks: AsyncIterable<OpenAI.ChatCompletionChunk>,
  { onText }: Task,
): Promise<Answer<ChatMessage>> {
  let text = '';
  const calls = new Map<number, { id: string; name: string; args: string }>();
  for await (const { choices } of chunks) {
    const delta = choices[0]?.delta;
    for (const { index, id, function: called } of delta?.tool_calls ?? []) {
      const before = calls.get(index);
      calls.set(index, {
        id: id ?? before?.id ?? '',
        name: called?.name ?? before?.name ?? '',
        args: (before?.args ?? '') + (called?.arguments ?? ''),
      });
    }
    if (typeof delta?.content !== 'string' || delta.content === '') continue;
    text += delta.content;
    if (onText?.(delta.content) === 'leave') break;
  }
  const wants = [...calls.values()];
  const tool_calls = wants.map(({ id, name, args }) => ({
    id,
    type: 'function' as const,
    function: { name, arguments: args },
  }));
  return { text, wants, said: [{ role: 'assistant', content: text, ...(wants.length > 0 && { tool_calls }) }] };
}
