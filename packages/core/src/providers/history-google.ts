/** Reads Gemini's contents (ai.google.dev/api/caching#Content), whose calls often have no id: the tool's name links them. */
import type { TurnsBackwards } from './history-turns.ts';
import { fields, type Fields } from './usage-fields.ts';

/** Takes one content, its newest part first. */
export function readContent(role: unknown, parts: readonly unknown[], turns: TurnsBackwards): void {
  const texts: string[] = [];
  const calls: Fields[] = [];
  let hasMore = false;
  let hasResults = false;
  for (let i = parts.length - 1; i >= 0; i--) {
    const part = fields(parts[i]);
    if (part === undefined || part['thought'] === true) continue;
    const { text } = part;
    const call = fields(part['functionCall'] ?? part['function_call']);
    const response = fields(part['functionResponse'] ?? part['function_response']);
    if (typeof text === 'string') texts.unshift(text);
    else if (call !== undefined) calls.push(call);
    else if (response !== undefined) {
      hasResults = true;
      readResponse(response, turns);
    } else hasMore = true;
  }
  const text = texts.join('\n');
  if (role !== 'model') return hasResults && text === '' && !hasMore ? undefined : turns.hear(text, hasMore);
  for (const call of calls) turns.call(call['id'], call['name'], call['args']);
  turns.say('assistant', text);
}

/** By Google's convention a response has the key `output`, or `error` where the function failed. */
function readResponse(response: Fields, turns: TurnsBackwards): void {
  const value = response['response'];
  const known = fields(value);
  const isError = known?.['error'] !== undefined && known['output'] === undefined;
  turns.result(response['id'] ?? response['name'], value ?? '', isError);
}
