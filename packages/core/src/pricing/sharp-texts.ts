/**
 * The texts of a request that a tokenizer is to count, and what each costs once it has. `docs/token-bound.md` has the
 * argument and the figures that the constants rest on.
 */
import { utf8Length, type JsonMarks, type Meter } from './bound-text.ts';
import type { Count, CountRule } from '../node/tokenizer.ts';

/**
 * JSON's marks in tokens: quotes merge with the colon or comma beside them, and a line break with its indentation makes two
 * at most. Measured over documents written compact, with blanks, and indented.
 */
const MARKS = {
  all: { braces: 4, member: 5, element: 4, literal: 1 },
  words: { braces: 4, member: 6, element: 4, literal: 2 },
} as const satisfies Record<CountRule['mode'], JsonMarks>;

/** What the neighbours of a string inside JSON can add to its tokens, unless it begins and ends with a letter or digit. */
const JSON_EDGES = 2;
const PLAIN_EDGES = /^[A-Za-z0-9](?:.*[A-Za-z0-9])?$/;
/** A JSON text inside a string: it may be read, and written again with blanks. */
const HOLDS_JSON = /^\s*[[{]/;

/**
 * Proxies and hosts that speak OpenAI's format estimate tokens by their text, most of them as a quarter of its bytes. Common
 * English has fewer.
 */
const BYTES_PER_ESTIMATED_TOKEN = 4;

/** A text that is to be counted. */
export interface Aside {
  /** What is counted: the text, or its longest JSON form. */
  readonly text: string;
  /** Its bound by bytes. */
  readonly bytes: number;
  /** Tokens besides the counted ones. */
  readonly added: number;
}

/** A meter that sets texts aside to be counted, and measures the rest by its bytes. */
export function settingAside(bytes: Meter, mode: CountRule['mode'], texts: Aside[]): Meter {
  const aside = (text: string, cost: number, added: number): number => {
    if (text !== '') texts.push({ text, bytes: cost, added });
    return 0;
  };
  return {
    ...bytes,
    marks: MARKS[mode],
    text: (value) => aside(value, bytes.text(value), 0),
    json: (value) => aside(asciiJson(value), bytes.json(value), mode === 'all' ? addedInJson(value) : 0),
  };
}

/** A text as a JSON string with nothing but ASCII in it, the longest form that a provider could write. */
function asciiJson(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function addedInJson(value: string): number {
  const blanks = HOLDS_JSON.test(value) ? (value.match(/[,:]/g)?.length ?? 0) : 0;
  return blanks + (PLAIN_EDGES.test(value) ? 0 : JSON_EDGES);
}

/**
 * What a text costs at most, by its count, and by an estimate of it.
 *
 * @param mode what was counted; what was not costs its bytes
 */
export function costOf({ text, bytes, added }: Aside, count: Count, mode: CountRule['mode']): number {
  const length = utf8Length(text);
  const rest = (mode === 'all' ? length : bytes) - count.counted;
  const estimated = Math.ceil(length / BYTES_PER_ESTIMATED_TOKEN);
  return Math.min(bytes, Math.max(estimated, rest + Math.ceil(count.tokens) + added));
}
