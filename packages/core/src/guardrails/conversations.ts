/**
 * Remembers how conversations end that a provider keeps for the caller, so that its requests show only what is new
 * (OpenAI's `previous_response_id` and `conversation`). Bounded: the newest items of the newest conversations, and a hash of
 * what is long.
 */

/** Conversations that are remembered; each answer begins one, since a caller may go on from any of them. */
const MOST_CONVERSATIONS = 256;

/** Longer texts are remembered by their beginning, length and hash. */
const LONGEST_TEXT = 256;
const SHOWN = 64;

/** An item with more values than this, or deeper ones, is remembered as like no other. */
const MOST_VALUES = 1_000;
const DEEPEST = 16;

const NOTHING: readonly unknown[] = [];

/** The ends of conversations, by the id that the next request names. */
export class Conversations {
  /** The longest unused first. */
  readonly #byId = new Map<string, readonly unknown[]>();

  /** @param most items kept of each */
  constructor(readonly most: number) {}

  /** What is remembered of a conversation, oldest first; nothing where it is not known. */
  recall(id: string): readonly unknown[] {
    return this.#byId.get(id) ?? NOTHING;
  }

  /** Keeps the newest of the items under an id. */
  remember(id: string, items: readonly unknown[]): void {
    this.#byId.delete(id);
    this.#byId.set(id, items.slice(-this.most));
    for (const oldest of this.#byId.keys()) {
      if (this.#byId.size <= MOST_CONVERSATIONS) break;
      this.#byId.delete(oldest);
    }
  }
}

/** A copy that is small, and equal to another's where the values are. */
export function condensed(value: unknown): unknown {
  return copied(value, { left: MOST_VALUES }, 0);
}

function copied(value: unknown, budget: { left: number }, depth: number): unknown {
  if (typeof value === 'string') return value.length > LONGEST_TEXT ? digest(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  budget.left -= 1;
  if (budget.left < 0 || depth > DEEPEST || ArrayBuffer.isView(value)) return Symbol('not remembered');
  if (Array.isArray(value)) return value.map((each) => copied(each, budget, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copied(each, budget, depth + 1)]));
}

/** cyrb53 (github.com/bryc/code/blob/master/jshash/experimental/cyrb53.js), 53 bits: two texts of one length that differ share it once in 9e15. */
function digest(text: string): string {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2_654_435_761);
    b = Math.imul(b ^ code, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  const hash = 4_294_967_296 * (2_097_151 & b) + (a >>> 0);
  // Letter by letter, since a slice would keep the whole text in memory.
  return `${Array.from(text.slice(0, SHOWN)).join('')}…#${text.length}:${hash}`;
}
