/** Reading request bodies, which are the caller's: a field of the wrong kind counts as left out, and the provider says so. */
import type { Granted } from './draft.ts';
import { text, type Fields } from './usage-fields.ts';

/** A whole number, also as text: forms have nothing else, and some providers take it in JSON (proto3 does). */
export function whole(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return Number.isSafeInteger(number) && (number as number) >= 0 ? (number as number) : undefined;
}

/** A whole number of at least 1. */
export function positive(value: unknown): number | undefined {
  const number = whole(value);
  return number === 0 ? undefined : number;
}

/** The first of several names under which a field stands in the body. */
export function firstNamed<N extends string>(body: Fields, names: readonly N[]): N | undefined {
  return names.find((name) => body[name] !== undefined && body[name] !== null);
}

/**
 * The fields to write for a granted model and cap; nothing where the body says so already.
 *
 * @param asked the model that was asked for
 * @param cap the cap's name in the body
 */
export function capEdits(
  body: Fields,
  asked: string,
  { model, maxOutputTokens }: Granted,
  cap: string,
): Record<string, unknown> {
  const edits: Record<string, unknown> = {};
  if (model !== asked) edits['model'] = model;
  if (maxOutputTokens !== undefined && body[cap] !== maxOutputTokens) edits[cap] = maxOutputTokens;
  return edits;
}

/** Parts that are text and nothing else. What is not listed may be anything. */
const TEXT_PARTS = new Set<unknown>([
  'text', 'input_text', 'output_text', 'refusal', 'thinking', 'redacted_thinking', 'tool_use', 'reasoning',
  'function_call', 'function_call_output', 'custom_tool_call', 'custom_tool_call_output', 'message',
]); // prettier-ignore

/** Whether messages hold nothing but text: no image, audio or file. Plain loops: this runs before every call. */
export function holdsOnlyText(messages: unknown): boolean {
  if (typeof messages === 'string') return true;
  if (!Array.isArray(messages)) return false;
  for (const message of messages as readonly unknown[]) if (!isTextMessage(message as Fields | null)) return false;
  return true;
}

function isTextMessage(message: Fields | null): boolean {
  if (typeof message !== 'object' || message === null) return typeof message === 'string';
  if (message['audio'] !== undefined) return false;
  const { type } = message;
  if (type === 'tool_result') return holdsOnlyText(message['content'] ?? '');
  if (type !== undefined && !TEXT_PARTS.has(type)) return false;
  if (message['output'] !== undefined && !holdsOnlyText(message['output'])) return false;
  const content = message['content'];
  return content === undefined || content === null || holdsOnlyText(content);
}

/** The service tier that a body asks for. */
export function askedTier(body: Fields): string | undefined {
  return text(body['service_tier']) ?? text(body['serviceTier']);
}

/** A reasoning level that asks for reasoning. */
export function isEffort(level: unknown): boolean {
  return text(level) !== undefined && level !== 'none';
}
