/** Reads LangChain messages: what of them goes to the provider, the conversation as turns, and their cache marks. */
import type { Turn } from '@agentkavach/core';
import { contentOf } from '@agentkavach/core/providers';
import { fields, list, text, type Fields } from './shape.ts';

const ROLES: Readonly<Record<string, string>> = { human: 'user', ai: 'assistant' };

/** Parts of a message that are sent under another name; the rest of `additional_kwargs` may be sent as it is. */
const REPEATED = new Set([
  'tool_calls',
  'function_call',
  '__raw_response',
  'parsed',
  'usage',
  'id',
  'model',
  'type',
  'role',
]);

/**
 * A message as its provider gets it, for the bound of its tokens: without ids, figures and whatever else is LangChain's own.
 *
 * @param sendsItems the request goes to OpenAI's Responses endpoint, where an earlier answer is sent as the items that came
 *   (@langchain/openai, converters/responses.js), and not as its content too
 */
export function sentMessage(message: unknown, sendsItems: boolean): unknown {
  const own = fields(message);
  if (own === undefined) return message;
  const type = typeOf(own);
  const output = list(fields(own['response_metadata'])?.['output']);
  if (sendsItems && type === 'ai' && output.length > 0 && output.every(isItem))
    return { role: 'assistant', content: output };
  const kwargs = fields(own['additional_kwargs']) ?? {};
  // Sent as an item of its own: its id may stand for thousands of tokens.
  const reasoning = sendsItems ? fields(kwargs['reasoning']) : undefined;
  const extra = Object.entries(kwargs).filter(
    ([key, value]) => !REPEATED.has(key) && value !== undefined && value !== null && value !== reasoning,
  );
  const calls = list(own['tool_calls']);
  return {
    role: ROLES[type] ?? type,
    content: own['content'],
    ...(own['name'] === undefined ? {} : { name: own['name'] }),
    ...(own['tool_call_id'] === undefined ? {} : { tool_call_id: own['tool_call_id'] }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...(reasoning === undefined ? {} : { parts: [{ ...reasoning, type: 'reasoning' }] }),
    ...(extra.length === 0 ? {} : { additional: Object.fromEntries(extra) }),
  };
}

function isItem(value: unknown): boolean {
  return typeof fields(value)?.['type'] === 'string';
}

/** Parts that every provider gets as text. */
const TEXT = new Set<unknown>([
  'text',
  'tool_use',
  'tool_call',
  'input_json_delta',
  'thinking',
  'reasoning',
  'redacted_thinking',
  'functionCall',
]);

/** Whether the conversation holds nothing but text. Plain loops: this runs before every call. */
export function holdsOnlyText(messages: readonly unknown[]): boolean {
  for (const message of messages) {
    const content = fields(message)?.['content'];
    if (typeof content === 'string') continue;
    if (!Array.isArray(content)) return false;
    for (const part of content as readonly unknown[]) {
      if (typeof part !== 'string' && !TEXT.has(fields(part)?.['type'])) return false;
    }
  }
  return true;
}

/** The conversation as turns, oldest first: each tool call with the answer that it got, and what was said. */
export function turnsOf(messages: readonly unknown[]): readonly Turn[] {
  // Some providers give every turn's first call the same id: each call has the first answer that nobody has yet.
  const answers = new Map<string, Fields[]>();
  for (const message of messages) {
    const answer = fields(message);
    const id = text(answer?.['tool_call_id']);
    if (answer === undefined || id === undefined) continue;
    const waiting = answers.get(id);
    if (waiting === undefined) answers.set(id, [answer]);
    else waiting.push(answer);
  }
  return messages.flatMap((message, at): Turn[] => {
    const own = fields(message);
    const type = own === undefined ? '' : typeOf(own);
    if (own === undefined || (type !== 'ai' && type !== 'human')) return [];
    const said = textOf(own['content']);
    // What a person attaches is not compared: a message with it is like no other.
    const heard = type === 'human' && !holdsOnlyText([message]) ? `${said}\n[attachment ${at}]` : said;
    const spoken: Turn[] = heard === '' ? [] : [{ kind: type === 'ai' ? 'assistant' : 'user', text: heard }];
    const calls = list(own['tool_calls']);
    const asked = calls.map((call, i) => toolTurn(fields(call) ?? {}, answers, i < calls.length - 1));
    return [...spoken, ...asked];
  });
}

function toolTurn(call: Fields, answers: ReadonlyMap<string, Fields[]>, withNext: boolean): Turn {
  const answer = answers.get(text(call['id']) ?? '')?.shift();
  return {
    kind: 'tool',
    name: text(call['name']) ?? '',
    args: call['args'],
    // The mark of the prompt cache moves on with each request.
    result: contentOf(answer?.['content']),
    isError: answer?.['status'] === 'error',
    withNext,
  };
}

/** The text of a message's content. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return list(content)
    .map((part) => (typeof part === 'string' ? part : (text(fields(part)?.['text']) ?? '')))
    .join('');
}

/** The type of a message: `human`, `ai`, `system`, `tool`, or the role of a generic one. */
function typeOf(message: Fields): string {
  const { type, getType, _getType } = message as { type?: unknown; getType?: unknown; _getType?: unknown };
  if (typeof type === 'string') return type === 'generic' ? (text(message['role']) ?? type) : type;
  for (const method of [getType, _getType]) {
    if (typeof method === 'function') return String(Reflect.apply(method, message, []));
  }
  return text(message['role']) ?? 'human';
}

/** The longest cache lifetime that a request asks Anthropic for; a lifetime that we don't know counts as the dearest. */
export function cacheLifetime(params: Fields, messages: readonly unknown[]): 'none' | '5m' | '1h' {
  let longest: 'none' | '5m' | '1h' = 'none';
  const see = (holder: unknown): void => {
    const mark = fields(fields(holder)?.['cache_control']);
    if (mark === undefined || longest === '1h') return;
    longest = mark['ttl'] === undefined || mark['ttl'] === '5m' ? '5m' : '1h';
  };
  see(params);
  for (const tool of list(params['tools'])) see(tool);
  for (const message of messages) {
    const own = fields(message);
    see(own?.['additional_kwargs']);
    for (const part of list(own?.['content'])) {
      see(part);
      for (const inner of list(fields(part)?.['content'])) see(inner);
    }
  }
  return longest;
}
