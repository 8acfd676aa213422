/**
 * Reads the conversation out of a request's input, in whatever provider's shape it has: what loops are looked for in
 * where an adapter does not say more. It walks from the newest message back and stops when it has enough.
 */
import type { Turn } from '../call.ts';
import { readBlocks, readToolMessage } from './history-blocks.ts';
import { readContent } from './history-google.ts';
import { readAssistant, readItem, readToolResult } from './history-openai.ts';
import { TurnsBackwards } from './history-turns.ts';
import { fields, type Fields } from './usage-fields.ts';

/** Where requests keep their messages: Chat Completions, Messages and Mistral; Gemini; Responses; the AI SDK. */
const PLACES = ['messages', 'contents', 'input', 'prompt'] as const;

/**
 * The turns of a conversation.
 *
 * @param input messages, items or contents, or a request that holds them
 * @param most so many of the newest turns are enough, the calls of one answer counted as one
 * @returns the turns, oldest first; none where the input has a shape that nobody knows
 * @example historyOf({ messages: [{ role: 'user', content: 'Hi' }] }) // [{ kind: 'user', text: 'Hi' }]
 */
export function historyOf(input: unknown, most: number = Number.POSITIVE_INFINITY): readonly Turn[] {
  const messages = messagesOf(input);
  const turns = new TurnsBackwards(most);
  for (let i = messages.length - 1; i >= 0 && !turns.isFull; i--) {
    const message = messages[i];
    if (typeof message === 'string') turns.say('user', message);
    else readMessage(fields(message), turns);
  }
  return turns.turns;
}

function messagesOf(input: unknown): readonly unknown[] {
  if (Array.isArray(input)) return input as readonly unknown[];
  const request = fields(input);
  for (const place of PLACES) if (Array.isArray(request?.[place])) return request[place] as readonly unknown[];
  return [];
}

function readMessage(message: Fields | undefined, turns: TurnsBackwards): void {
  if (message === undefined || readItem(message, turns)) return;
  const { role, content, parts } = message;
  if (Array.isArray(parts)) return readContent(role, parts as readonly unknown[], turns);
  switch (role) {
    case 'assistant':
      return readAssistant(message, turns);
    case 'user':
      return readBlocks('user', content, turns);
    case 'tool':
    case 'function':
      // The AI SDK puts all results of a step into one message; the others send one message for each.
      return isList(content) ? readToolMessage(content, turns) : readToolResult(message, turns);
  }
}

function isList(content: unknown): content is readonly unknown[] {
  return Array.isArray(content) && fields(content[0])?.['type'] === 'tool-result';
}
