/**
 * Whether two tool calls say the same, however they are written. Values are compared as they stand, without copies or
 * texts made of them, and no further than their first difference.
 */

/** Longer arguments are compared as texts: to read them would take milliseconds before a call. */
const LONGEST_PARSED = 65_536;

/** So many values are compared; what is larger counts as different, since a false alarm would be worse than none. */
const MOST_VALUES = 50_000;
const DEEPEST = 64;

/** A run of digits that a JavaScript number can't hold: two such numbers may look the same once they are parsed. */
const LONG_NUMBER = /\d{16}/;

/**
 * Whether two sets of arguments are the same. The order of keys, whitespace in JSON text, and the form of numbers and
 * escapes do not matter; no arguments, an empty text and `{}` are the same.
 *
 * @example sameArguments('{"page": 1.0}', { page: 1 }) // true
 */
export function sameArguments(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length > LONGEST_PARSED || b.length > LONGEST_PARSED) return false;
    if (LONG_NUMBER.test(a) || LONG_NUMBER.test(b)) return squeezed(a) === squeezed(b);
  }
  return sameValue(read(a), read(b));
}

/**
 * Whether two values are the same all through: texts, numbers, lists, objects in any order of keys, bytes. What can't be
 * compared (functions, maps, values of other classes without fields) is different.
 */
export function sameValue(a: unknown, b: unknown): boolean {
  return a === b || compared(a, b, { left: MOST_VALUES }, 0);
}

function compared(a: unknown, b: unknown, budget: { left: number }, depth: number): boolean {
  if (a === b) return true;
  if (typeof a !== typeof b) return false;
  if (typeof a === 'number') return Number.isNaN(a) && Number.isNaN(b);
  if (typeof a !== 'object' || a === null || b === null || depth > DEEPEST || --budget.left < 0) return false;
  const other = b as object;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(other)) return false;
  if (Array.isArray(a)) {
    const list = other as readonly unknown[];
    return a.length === list.length && a.every((value, i) => compared(value, list[i], budget, depth + 1));
  }
  if (ArrayBuffer.isView(a)) return sameBytes(a, other as ArrayBufferView);
  if (hasJson(a) && hasJson(other)) return compared(a.toJSON(), other.toJSON(), budget, depth + 1);
  return sameFields(a as Fields, other as Fields, budget, depth);
}

type Fields = Readonly<Record<string, unknown>>;

/** A field that is `undefined` is none. */
function sameFields(a: Fields, b: Fields, budget: { left: number }, depth: number): boolean {
  let fields = 0;
  for (const key of Object.keys(a)) {
    if (a[key] === undefined) continue;
    if (!Object.hasOwn(b, key) || !compared(a[key], b[key], budget, depth + 1)) return false;
    fields += 1;
  }
  for (const key of Object.keys(b)) if (b[key] !== undefined) fields -= 1;
  return fields === 0 && (Object.keys(a).length > 0 || isPlain(a));
}

/** An object of another class may keep what it holds where nobody sees it. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function hasJson(value: object): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

function sameBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  if (a.byteLength !== b.byteLength) return false;
  const left = new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
  const right = new Uint8Array(b.buffer, b.byteOffset, b.byteLength);
  return left.every((byte, i) => byte === right[i]);
}

/** The arguments as a value. */
function read(args: unknown): unknown {
  if (args === undefined || args === null) return {};
  if (typeof args !== 'string') return args;
  const text = args.trim();
  if (text === '') return {};
  if (text.length > LONGEST_PARSED || (text[0] !== '{' && text[0] !== '[')) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** JSON text without the whitespace outside its strings. */
function squeezed(json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1');
}
