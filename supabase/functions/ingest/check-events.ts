/** Sorts a batch into events that keep the contract and dead letters that say what is wrong with the others. */
import type { WireEvent } from '@agentkavach/core/wire';
import { faultLine, faultsOf } from '../_shared/faults.ts';
import { wireEvent } from '../_shared/schema.ts';

/** An event with its place in the batch. */
export type IndexedEvent = WireEvent & { readonly index: number };

/** What is kept of an event that is not stored. */
export interface DeadLetter {
  readonly index: number;
  /** As it came, where it is a text of ordinary length. */
  readonly id: string | null;
  readonly reason: 'invalid';
  readonly detail: string;
  /** The event; as text, and cut, where it is too large or too deep to be stored as JSON. */
  readonly payload: unknown;
}

/** Characters of a stored payload, and of an id. */
const LONGEST_PAYLOAD = 8_000;
const LONGEST_ID = 100;
/** Levels of a payload that is stored as JSON: Postgres has a limit of its own, which fails the whole batch. */
const DEEPEST_PAYLOAD = 20;

/** @param events at most one batch */
export function checkEvents(events: readonly unknown[]): { valid: IndexedEvent[]; invalid: DeadLetter[] } {
  const valid: IndexedEvent[] = [];
  const invalid: DeadLetter[] = [];
  for (const [index, event] of events.entries()) {
    const result = wireEvent.safeParse(event);
    if (result.success) valid.push({ ...result.data, index });
    else {
      const detail = faultsOf(result.error).map(faultLine).join('; ').slice(0, 1_000).toWellFormed();
      invalid.push({ index, id: idOf(event), reason: 'invalid', detail, payload: payloadOf(event) });
    }
  }
  return { valid, invalid };
}

function idOf(event: unknown): string | null {
  const id: unknown = typeof event === 'object' && event !== null && 'id' in event ? event.id : undefined;
  return typeof id === 'string' && id.length <= LONGEST_ID && isStorable(id) ? id : null;
}

function payloadOf(event: unknown): unknown {
  if (depth(event, 0) > DEEPEST_PAYLOAD) return '(nested too deeply to be kept)';
  // Half pairs and NUL come out of this as escapes, which are storable as text, but not as JSON.
  const text = JSON.stringify(event);
  if (text.length <= LONGEST_PAYLOAD && !/\\u(?:0000|d[89a-f])/i.test(text)) return event;
  return text.slice(0, LONGEST_PAYLOAD).toWellFormed();
}

/** Levels of nesting; stops counting behind the deepest that is allowed. */
function depth(value: unknown, above: number): number {
  if (typeof value !== 'object' || value === null || above > DEEPEST_PAYLOAD) return above;
  let deepest = above;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depth(inner, above + 1));
  return deepest;
}

function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}
