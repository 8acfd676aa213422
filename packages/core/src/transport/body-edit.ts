/** Writes fields into a JSON body that is text already, without serialising what does not change. */
import type { Fields } from './request.ts';

/**
 * The body with some top-level fields set.
 *
 * @param text the body as JSON
 * @param body the same as an object
 * @param edits the fields to set; an empty object changes nothing
 */
export function editedBody(text: string, body: Fields, edits: Fields): string {
  const names = Object.keys(edits);
  if (names.length === 0) return text;
  // New fields go before the others: a prompt of 100 KB is not written out again for the sake of a number.
  if (text.startsWith('{"') && names.every((name) => body[name] === undefined))
    return `${JSON.stringify(edits).slice(0, -1)},${text.slice(1)}`;
  return JSON.stringify({ ...body, ...edits });
}
