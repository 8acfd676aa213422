/** Reading messages in OpenAI's form, for providers whose own form is another. */
import type { ChatMessage, ChatParams, ChatPart, ChatTool, ChatToolCall } from './create-types.ts';

/** The texts of all messages that instruct the model, and the conversation without them. */
export function splitSystem(messages: readonly ChatMessage[]): {
  readonly system: string | undefined;
  readonly rest: readonly ChatMessage[];
} {
  const isSystem = ({ role }: ChatMessage): boolean => role === 'system' || role === 'developer';
  const texts = messages.filter(isSystem).map(textOf);
  return {
    system: texts.length > 0 ? texts.join('\n\n') : undefined,
    rest: messages.filter((message) => !isSystem(message)),
  };
}

/** A message's text. */
export function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** A message's parts. */
export function partsOf({ content }: ChatMessage): readonly ChatPart[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return content ?? [];
}

/** An image's address. */
export function imageUrl(part: ChatPart & { readonly type: 'image_url' }): string {
  return typeof part.image_url === 'string' ? part.image_url : part.image_url.url;
}

/** The media type and base64 of a `data:` address. */
export function inlineData(url: string): { readonly mimeType: string; readonly data: string } | undefined {
  const [, mimeType, data] = /^data:([^;,]+);base64,(.*)$/s.exec(url) ?? [];
  return mimeType === undefined || data === undefined ? undefined : { mimeType, data };
}

/** The arguments of a tool call. What the model wrote wrongly is no reason to fail here. */
export function argumentsOf({ function: { arguments: text } }: ChatToolCall): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Texts to stop at, as a list. */
export function stopsOf({ stop }: ChatParams): readonly string[] | undefined {
  if (stop === undefined || stop === null) return undefined;
  return typeof stop === 'string' ? [stop] : stop;
}

/** Whether a tool has OpenAI's form. */
export function isChatTool(tool: unknown): tool is ChatTool {
  return typeof (tool as { function?: unknown } | null)?.function === 'object';
}
