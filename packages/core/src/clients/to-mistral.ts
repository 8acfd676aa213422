/** A chat request in OpenAI's form as Mistral's SDK takes it: the same, in camel case. */
import type { ChatCompletionRequest } from '@mistralai/mistralai/models/components';
import type { ChatMessage, ChatParams } from './create-types.ts';

/** The parameters of `chat.complete()` and `chat.stream()`; what is camel case already stays. */
export function toMistral(params: ChatParams & Readonly<Record<string, unknown>>): ChatCompletionRequest {
  const { messages, max_completion_tokens, ...settings } = params as typeof params & {
    max_completion_tokens?: unknown;
  };
  const cap = max_completion_tokens === undefined ? {} : { maxTokens: max_completion_tokens };
  return { ...cap, ...camelKeys(settings), messages: messages.map(toMessage) } as ChatCompletionRequest;
}

function toMessage({ tool_calls, tool_call_id, role, ...message }: ChatMessage): object {
  return {
    ...message,
    role: role === 'developer' ? 'system' : role,
    ...(tool_calls === undefined ? {} : { toolCalls: tool_calls }),
    ...(tool_call_id === undefined ? {} : { toolCallId: tool_call_id }),
  };
}

/** Only the top level: what stands below is the caller's own, a schema for example. */
function camelKeys(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}
