/**
 * What one string costs at most, in tokens: the arithmetic under the token upper bound. `docs/token-bound.md` has the
 * argument; in short, a byte-level tokenizer never makes more tokens than the text has UTF-8 bytes.
 */

/** Measures single strings and numbers for the walk over a request; every figure is an upper bound in tokens. */
export interface Meter {
  /** A string that reaches the model as it is. */
  readonly text: (value: string) => number;
  /** A string that reaches the model inside JSON: its escapes count too. */
  readonly json: (value: string) => number;
  /** A number, as JSON writes it. */
  readonly number: (value: number) => number;
  /** A text file of so many bytes whose text is not at hand as a string. */
  readonly opaqueText: (bytes: number) => number;
  /** The text of a text file, where this meter is allowed to decode it; else `undefined`. */
  readonly decode: ((data: Uint8Array | string) => string | undefined) | undefined;
  readonly marks: JsonMarks;
}

/** What JSON has between its strings and numbers, in tokens. */
export interface JsonMarks {
  /** Of an object or array: the braces, the comma after it, the line break before the last. */
  readonly braces: number;
  /** Of a member: quotes of its key and value, colon, comma, blank, a line break with indentation. */
  readonly member: number;
  /** Of an element of an array. */
  readonly element: number;
  /** `true`, `false`, `null`. */
  readonly literal: number;
}

/** Each mark a byte, and indentation by two levels. */
const BYTE_MARKS: JsonMarks = { braces: 4, member: 10, element: 4, literal: 6 };

// V8 answers the first at once for a string of Latin-1, which it stores in one byte per character.
const WIDE = /[^\u0000-\u00ff]/;

/** Whether a text holds ¼, ½ or ¾. Three searches for one byte each are thirty times faster than a class of three. */
function hasFraction(text: string): boolean {
  return text.includes('\u00bc') || text.includes('\u00bd') || text.includes('\u00be');
}

/**
 * Which Unicode normalization a tokenizer may apply before it counts. Claude's legacy tokenizer: NFKC, under which U+FDFA
 * grows from 3 bytes to 33. `any`: NFC too, as Qwen's does.
 */
export type Normalization = 'none' | 'nfkc' | 'any';

// A measure of the longest form that the text may take. Of Latin-1 only ¼ ½ ¾ can grow beyond 3 bytes per unit, so other
// Latin-1 text is not normalized.
function longestForm(text: string, form: Normalization, measure: (text: string) => number): number {
  const own = measure(text);
  if (form === 'none' || !(WIDE.test(text) || hasFraction(text))) return own;
  const composed = form === 'any' ? measure(text.normalize('NFC')) : 0;
  return Math.max(own, composed, measure(text.normalize('NFKC')));
}

const unitsOf = (text: string): number => text.length;

// The growth of U+FDFA, the largest there is: 33 bytes from 3. For text files whose text is not decoded.
const NFKC_MAX_GROWTH = 11;

const buffer = (globalThis as { Buffer?: { byteLength(text: string): number } }).Buffer;

/** The UTF-8 bytes of a text; a lone surrogate counts 3, as encoders write U+FFFD for it. */
export const utf8Length: (text: string) => number = buffer ? (text) => buffer.byteLength(text) : countUtf8Length;

/** `utf8Length` where there is no `Buffer`. */
export function countUtf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit < 0xd800 || unit > 0xdbff) bytes += 2;
    else {
      const next = text.charCodeAt(i + 1);
      bytes += 2;
      if (next >= 0xdc00 && next <= 0xdfff) i += 1;
    }
  }
  return bytes;
}

/**
 * The bytes of a text as a JSON string at its longest: `\uXXXX` for control characters and for all but ASCII (what
 * Python's `json.dumps` does by default), a blank after `,` and `:` (a JSON text that is read and written again).
 */
function jsonBytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e) bytes += 5;
    else if (unit === 0x22 || unit === 0x5c || unit === 0x2c || unit === 0x3a || unit === 0x2f) bytes += 1;
  }
  return bytes;
}

const LONGEST_NUMBER = 26;

// Most strings are short enough that a test of each is what costs: none is made where nothing can grow.
const plainLength: Meter = {
  text: (value) => value.length * 3,
  json: (value) => value.length * 6,
  number: () => LONGEST_NUMBER,
  opaqueText: (bytes) => bytes * 3,
  decode: undefined,
  marks: BYTE_MARKS,
};

function growingLength(form: Normalization): Meter {
  return {
    text: (value) => longestForm(value, form, unitsOf) * 3,
    json: (value) => {
      const units = longestForm(value, form, unitsOf);
      return value.length * 6 + (units > value.length ? units * 3 : 0);
    },
    number: plainLength.number,
    opaqueText: (bytes) => bytes * 3 * NFKC_MAX_GROWTH,
    decode: undefined,
    marks: BYTE_MARKS,
  };
}

function exactBytes(form: Normalization): Meter {
  return {
    text: form === 'none' ? utf8Length : (value) => longestForm(value, form, utf8Length),
    json: (value) => {
      const grows = form !== 'none' && longestForm(value, form, unitsOf) > value.length;
      return jsonBytes(value) + (grows ? longestForm(value, form, utf8Length) : 0);
    },
    number: (value) => String(value).length + 1,
    opaqueText: form === 'none' ? plainLength.opaqueText : LENGTH[form].opaqueText,
    decode: decodeText,
    marks: BYTE_MARKS,
  };
}

const LENGTH = { none: plainLength, nfkc: growingLength('nfkc'), any: growingLength('any') };
const BYTES = { none: exactBytes('none'), nfkc: exactBytes('nfkc'), any: exactBytes('any') };

/** The meter of the hot path: from lengths alone, but for characters that a normalization expands. */
export function lengthMeter(form: Normalization): Meter {
  return LENGTH[form];
}

/** The exact-byte meter: reads every character, still synchronous. */
export function byteMeter(form: Normalization): Meter {
  return BYTES[form];
}

/** The text of a text file: bytes, base64, base64url, or a `data:` URL of either kind; `undefined` when it is none. */
function decodeText(data: Uint8Array | string): string | undefined {
  if (typeof data !== 'string') return new TextDecoder().decode(data);
  const comma = data.startsWith('data:') ? data.indexOf(',') : -1;
  const body = data.slice(comma + 1);
  try {
    if (comma > 0 && !data.slice(0, comma).endsWith('base64')) return decodeURIComponent(body);
    const binary = atob(body.replaceAll('-', '+').replaceAll('_', '/'));
    return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
