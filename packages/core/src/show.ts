/** How an error message shows what it got. */

/** Longer than any word that an option takes, shorter than any provider's key. */
const LONGEST_SHOWN = 24;

/** A value as an error message shows it: short, and never what may be a secret, such as an object's content. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return value.length > LONGEST_SHOWN ? `a text of ${value.length} characters` : JSON.stringify(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'function') return 'a function';
  return String(value);
}
