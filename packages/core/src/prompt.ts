/** The first characters of a prompt, for those who have opted in to store them. */
import { readSafely } from './find-error.ts';
import { WIRE_LIMITS } from './wire/index.ts';

/** Objects that are looked at before the search for text ends. */
const MAX_VISITED = 2_000;

/**
 * The text of a request's input, a little more than what is stored of it at most. Messages are read in
 * their order, each as `role: text`. What is no text (images, files, tool calls) is left out.
 */
export function promptOf(input: unknown): string {
  const parts: string[] = [];
  let length = 0;
  let visited = 0;
  const add = (text: string): void => {
    parts.push(text);
    length += text.length + 1;
  };
  const walk = (value: unknown): void => {
    if (length > WIRE_LIMITS.prompt || (visited += 1) > MAX_VISITED) return;
    if (typeof value === 'string') return add(value);
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value) walk(item);
      return;
    }
    const role = readSafely(value, 'role');
    if (typeof role === 'string') add(`${role}:`);
    for (const key of ['system', 'instructions', 'messages', 'prompt', 'input', 'contents', 'content', 'parts', 'text'])
      walk(readSafely(value, key));
  };
  walk(input);
  return parts.join(' ');
}
