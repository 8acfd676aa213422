/** A chat request in OpenAI's form as Anthropic's. What has Anthropic's form already stays as it is. */
import type Anthropic from '@anthropic-ai/sdk';
import { argumentsOf, imageUrl, inlineData, isChatTool, partsOf, splitSystem, stopsOf, textOf } from './chat-form.ts';
import type { ChatMessage, ChatParams } from './create-types.ts';

type Block = Anthropic.ContentBlockParam;

/**
 * The parameters of `messages.create()`.
 *
 * @param params OpenAI's form, with any of Anthropic's own parameters
 * @param cap the output cap where none is set; `undefined`: the guard sets one
 */
export function toAnthropic(params: ChatParams & Readonly<Record<string, unknown>>, cap: number | undefined): object {
  const { messages, stop, tools, max_completion_tokens, ...own } = params as typeof params & {
    max_completion_tokens?: unknown;
  };
  const { system, rest } = splitSystem(messages);
  const stops = stopsOf({ messages, stop });
  const max_tokens = own.max_tokens ?? max_completion_tokens ?? cap;
  return {
    ...own,
    ...(system !== undefined && own['system'] === undefined ? { system } : {}),
    ...(stops === undefined ? {} : { stop_sequences: stops }),
    ...(max_tokens === undefined ? {} : { max_tokens }),
    ...(tools === undefined ? {} : { tools: tools.map(toTool) }),
    messages: rest.map(toMessage),
  };
}

function toTool(tool: unknown): unknown {
  if (!isChatTool(tool)) return tool;
  const { name, description, parameters } = tool.function;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    input_schema: parameters ?? { type: 'object' },
  };
}

function toMessage(message: ChatMessage): unknown {
  if (message.role === 'tool') {
    const result: Block = { type: 'tool_result', tool_use_id: message.tool_call_id ?? '', content: textOf(message) };
    return { role: 'user', content: [result] };
  }
  const calls = (message.tool_calls ?? []).map((call): Block => ({
    type: 'tool_use',
    id: call.id,
    name: call.function.name,
    input: argumentsOf(call),
  }));
  if (calls.length > 0) return { role: 'assistant', content: [...blocksOf(message), ...calls] };
  return { role: message.role, content: typeof message.content === 'string' ? message.content : blocksOf(message) };
}

function blocksOf(message: ChatMessage): readonly Block[] {
  return partsOf(message).map((part): Block => {
    if (part.type !== 'image_url') return part;
    const url = imageUrl(part);
    const inline = inlineData(url);
    return {
      type: 'image',
      source:
        inline === undefined
          ? { type: 'url', url }
          : {
              type: 'base64',
              data: inline.data,
              media_type: inline.mimeType as Anthropic.Base64ImageSource['media_type'],
            },
    };
  });
}
