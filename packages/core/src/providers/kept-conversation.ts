/**
 * Reads which conversation a request of OpenAI's Responses API goes on with, where OpenAI keeps it, and under which ids the
 * answer will be found (platform.openai.com/docs/guides/conversation-state).
 */
import { fields, list, text } from './usage-fields.ts';

/** What one request adds to a conversation that OpenAI keeps. */
export interface KeptRequest {
  /** The conversation or the answer that it goes on with; `undefined` where it begins one. */
  readonly id: string | undefined;
  /** The new items. */
  readonly items: readonly unknown[];
}

/** What an answer adds to it. */
export interface KeptAnswer {
  /** The ids that later requests may name. */
  readonly ids: readonly string[];
  /** The items of the answer: messages and calls. */
  readonly items: readonly unknown[];
}

/** The request's part; nothing where it is no request of the Responses API. */
export function keptRequest(input: unknown): KeptRequest | undefined {
  const request = fields(input);
  const given = request?.['input'];
  const id = text(request?.['previous_response_id']) ?? conversationOf(request?.['conversation']);
  if (id === undefined && (given === undefined || request?.['store'] === false)) return undefined;
  const items = typeof given === 'string' ? [{ role: 'user', content: given }] : list(given);
  return { id, items };
}

/** The answer's part, of an answer in one piece or of the event that ends a stream; nothing for any other value. */
export function keptAnswer(value: unknown): KeptAnswer | undefined {
  const event = fields(value);
  const isEnd = event?.['type'] === 'response.completed' || event?.['type'] === 'response.incomplete';
  const answer = isEnd ? fields(event['response']) : event;
  const id = text(answer?.['id']);
  if (id === undefined || answer?.['object'] !== 'response' || !Array.isArray(answer['output'])) return undefined;
  const conversation = conversationOf(answer['conversation']);
  return { ids: conversation === undefined ? [id] : [id, conversation], items: answer['output'] as readonly unknown[] };
}

/** A conversation is given by its id, or by an object that has one. */
function conversationOf(value: unknown): string | undefined {
  return text(value) ?? text(fields(value)?.['id']);
}
