/**
 * Reads OpenAI's conversations: the messages of Chat Completions, which Mistral and most others have taken over, and the
 * items of the Responses API (platform.openai.com/docs/api-reference).
 */
import { readBlocks } from './history-blocks.ts';
import { contentOf, type TurnsBackwards } from './history-turns.ts';
import { fields, type Fields } from './usage-fields.ts';

/** Takes one assistant message: its calls are newer than its text. Mistral's client writes `toolCalls`. */
export function readAssistant(message: Fields, turns: TurnsBackwards): void {
  const calls = message['tool_calls'] ?? message['toolCalls'];
  if (Array.isArray(calls)) {
    for (let i = calls.length - 1; i >= 0; i--) {
      const call = fields(calls[i]);
      const body = fields(call?.['function']) ?? fields(call?.['custom']);
      turns.call(call?.['id'], body?.['name'], body?.['arguments'] ?? body?.['input']);
    }
  }
  const legacy = fields(message['function_call']);
  if (legacy !== undefined) turns.call(undefined, legacy['name'], legacy['arguments']);
  readBlocks('assistant', message['content'], turns);
}

/** Takes what a tool answered. */
export function readToolResult(message: Fields, turns: TurnsBackwards): void {
  const id = message['tool_call_id'] ?? message['toolCallId'] ?? message['name'];
  turns.result(id, contentOf(message['content'] ?? ''));
}

/**
 * Takes one item of the Responses API that is no message: a call that the caller has run, or its output.
 *
 * @returns whether it was one
 */
export function readItem(item: Fields, turns: TurnsBackwards): boolean {
  const { type, call_id: id } = item;
  if (typeof type !== 'string' || typeof id !== 'string') return false;
  if (type.endsWith('_call_output')) {
    turns.result(id, contentOf(item['output'] ?? ''));
    return true;
  }
  if (!type.endsWith('_call')) return false;
  turns.call(id, item['name'] ?? type, item['arguments'] ?? item['input'] ?? item['action'] ?? item['operation']);
  return true;
}
