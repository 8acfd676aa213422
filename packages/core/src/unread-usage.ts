/** Names what is wrong with a usage that leaves a count open: its call is charged what it held, which is more than it cost. */
import { sayOnce } from './config/say-once.ts';
import { COUNTS, isCount } from './outcome.ts';

const KNOWN: ReadonlySet<string> = new Set([...COUNTS, 'toolCalls', 'serviceTier', 'parts']);
/** A usage comes from outside, and may have any number of fields. */
const MOST_NAMED = 8;

/**
 * Says once for each set of fields which of them the guard can't read. Without a word where none is wrong: a provider may
 * report one count alone.
 */
export function sayUnread(usage: unknown): void {
  if (usage === undefined || usage === null) return;
  const wrong = typeof usage === 'object' ? wrongFields(usage) : [`a ${typeof usage} instead of an object`];
  if (wrong.length === 0) return;
  const named = wrong.slice(0, MOST_NAMED).join(', ');
  sayOnce(
    `usage ${named}`,
    `a call's usage has ${named}, which can't be read, so the call is charged what it held. ` +
      'Give { inputTokens, outputTokens } as whole numbers, inputTokens with all that was read from a cache.',
  );
}

function wrongFields(usage: object): string[] {
  const wrong = Object.keys(usage).filter((key) => !KNOWN.has(key));
  for (const key of COUNTS) {
    const value: unknown = Reflect.get(usage, key);
    // Nothing of what stands there: it may be anything.
    if (value !== undefined && value !== null && !isCount(value)) wrong.push(`${key} as ${kindOf(value)}`);
  }
  return wrong;
}

function kindOf(value: unknown): string {
  return typeof value === 'number' ? String(value) : `a ${typeof value}`;
}
