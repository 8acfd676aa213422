/**
 * Walks whatever a framework or SDK is about to send and adds up a token upper bound, without stringifying it. Two
 * ladders of strings: text that reaches the model as it is, and text inside JSON (tool calls, tool results, schemas),
 * where escapes count too. What it does not know it takes for JSON, keys included.
 */
import { holdsMedia, mediaKindOf, readMediaPart } from './bound-media.ts';
import { counted, keptItemTokens, namesKept, recount, type KeptTokens } from './bound-kept.ts';
import type { MediaKind } from './media-tokens.ts';
import { mediaTokens } from './media-tokens.ts';
import type { Overhead } from './bound-provider.ts';
import { UNBOUNDABLE_TOKENS } from './bound-provider.ts';
import { requestTokens } from './bound-request.ts';
import type { Meter } from './bound-text.ts';

/** What one walk measures with. */
export interface WalkOptions {
  readonly meter: Meter;
  readonly overhead: Overhead;
  /** The model, where it is known: narrows the media rules. */
  readonly model?: string | undefined;
  readonly kept?: KeptTokens | undefined;
}

/** Nesting beyond this, a cycle included, makes the bound unboundable instead of overflowing the stack. */
const MAX_DEPTH = 100;
/** Objects and arrays beyond this number make it unboundable instead of blocking the process. */
const MAX_OBJECTS = 500_000;
const MAX_ELEMENTS = 5_000_000;

const DATE = 32;
/** A byte in a typed array that somebody stringified: `"12345":255,`. */
const JSON_BYTE = 16;
// Where a string stands: in the text of the prompt; in a tool's result, which some providers quote as JSON and which may
// hold media; in plain JSON.
const TEXT = 0;
const RESULT = 1;
const JSON_VALUE = 2;

let objects = 0;

/** The upper bound of a whole request. */
export function walkRequest(input: unknown, options: WalkOptions): number {
  objects = 0;
  recount(undefined);
  const request = options.overhead.request;
  if (typeof input === 'string') return request + options.overhead.message + options.meter.text(input);
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) {
    return request + requestTokens(input, options.overhead) + walkObject(input, TEXT, 0, options);
  }
  return request + walk(input, TEXT, 0, options);
}

function walk(value: unknown, place: number, depth: number, options: WalkOptions): number {
  switch (typeof value) {
    case 'string':
      return place === TEXT ? options.overhead.message + options.meter.text(value) : options.meter.json(value);
    case 'object':
      if (value === null) return options.meter.marks.literal;
      return Array.isArray(value) ? walkArray(value, place, depth, options) : walkObject(value, place, depth, options);
    case 'number':
      return options.meter.number(value);
    case 'boolean':
      return options.meter.marks.literal;
    case 'bigint':
      return value.toString().length;
    default:
      return options.meter.marks.literal;
  }
}

function walkArray(values: readonly unknown[], place: number, depth: number, options: WalkOptions): number {
  objects += 1;
  if (depth >= MAX_DEPTH || objects > MAX_OBJECTS || values.length > MAX_ELEMENTS) return UNBOUNDABLE_TOKENS;
  let tokens = options.meter.marks.braces;
  if (place !== TEXT) tokens += values.length * options.meter.marks.element;
  for (let i = 0; i < values.length; i += 1) tokens += walk(values[i], place, depth + 1, options);
  return tokens;
}

interface Fields {
  readonly [key: string]: unknown;
  readonly role?: unknown;
  readonly toJSON?: unknown;
  readonly type?: unknown;
}

function walkObject(value: object, place: number, depth: number, options: WalkOptions): number {
  objects += 1;
  if (depth >= MAX_DEPTH || objects > MAX_OBJECTS) return UNBOUNDABLE_TOKENS;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return walkInstance(value, place, depth, options);
  if (typeof (value as Fields).toJSON !== 'function') return walkFields(value as Fields, place, depth, options);
  // An SDK may read the fields or stringify the object; what the one has counted, the other counts too.
  const before = counted();
  const tokens = walkFields(value as Fields, place, depth, options);
  recount(before);
  return Math.max(tokens, walkJsonForm(value, place, depth, options));
}

/** What an object with a `toJSON` method is sent as. */
function walkJsonForm(value: object, place: number, depth: number, options: WalkOptions): number {
  let form: unknown;
  try {
    form = (value as { toJSON: () => unknown }).toJSON();
  } catch {
    return UNBOUNDABLE_TOKENS;
  }
  // JSON.stringify does not ask a second time.
  return form === value ? walkFields(value as Fields, place, depth, options) : walk(form, place, depth + 1, options);
}

function walkFields(fields: Fields, place: number, depth: number, options: WalkOptions): number {
  if (place === JSON_VALUE) return walkJson(fields, depth, options);
  let inside = place;
  let tokens = options.overhead.message;
  const { role, type } = fields;
  if (role === 'tool' || role === 'function') inside = RESULT;
  if (typeof type === 'string') {
    const kind = mediaKindOf(type);
    if (kind !== undefined) return tokens + walkMedia(fields, kind, inside, depth, options);
    if (type === 'tool_result') inside = RESULT;
    else if (namesKept(type)) tokens += keptItemTokens(type, fields, options.kept);
  }
  for (const key in fields) {
    const value = fields[key];
    // Before the table, because every message has them.
    if (key === 'content' || key === 'text' || key === 'role' || key === 'type') {
      if (typeof value !== 'string') tokens += walk(value, inside, depth + 1, options);
      else tokens += inside === TEXT ? options.meter.text(value) : options.meter.json(value);
    } else if (value !== undefined) tokens += walkMember(key, value, fields, inside, depth, options);
  }
  return tokens;
}

/** Keys of the message structure, which carries no JSON of its own: their values are prompt text or more structure. */
const STRUCTURE: ReadonlySet<string> = new Set(
  (
    'messages prompt contents parts system instructions systemInstruction system_instruction config thinking reasoning ' +
    'refusal summary id name model tool_call_id toolCallId tool_use_id toolName call_id signature'
  ).split(' '),
);
const RESULTS: ReadonlySet<string> = new Set([
  'output',
  'functionResponse',
  'function_response',
  'toolResult',
  'result',
]);
/** Fields beside the prompt that never reach the model. */
const NOT_SENT: ReadonlySet<string> = new Set(['abortSignal', 'signal', 'headers']);

function walkMember(
  key: string,
  value: unknown,
  fields: Fields,
  place: number,
  depth: number,
  options: WalkOptions,
): number {
  if (STRUCTURE.has(key)) return walk(value, place, depth + 1, options);
  if (RESULTS.has(key)) return walk(value, RESULT, depth + 1, options);
  // The messages of OpenAI's Responses API; in a tool call, its arguments.
  if (key === 'input' && depth === 0) return walk(value, place, depth + 1, options);
  if (key === 'value' && place === RESULT && fields.type !== 'json' && fields.type !== 'error-json') {
    return walk(value, RESULT, depth + 1, options);
  }
  if (depth === 0 && NOT_SENT.has(key)) return 0;
  if (key === 'providerOptions' && depth > 0) return walkPartOptions(value, depth, options);
  if (holdsMedia(key) && typeof value === 'object' && value !== null) {
    return walkMedia({ [key]: value }, 'file', place, depth, options);
  }
  return options.meter.marks.member + options.meter.json(key) + walk(value, JSON_VALUE, depth + 1, options);
}

/** A part's options. The id under which OpenAI stores the part is no text that the model reads. */
function walkPartOptions(value: unknown, depth: number, options: WalkOptions): number {
  if (typeof value !== 'object' || value === null) return walk(value, JSON_VALUE, depth + 1, options);
  let tokens = 0;
  for (const ofProvider of Object.values(value) as unknown[]) {
    if (typeof ofProvider !== 'object' || ofProvider === null)
      tokens += walk(ofProvider, JSON_VALUE, depth + 1, options);
    else {
      const { itemId, ...sent } = ofProvider as { itemId?: unknown };
      tokens +=
        typeof itemId === 'string'
          ? walkJson(sent, depth + 1, options)
          : walk(ofProvider, JSON_VALUE, depth + 1, options);
    }
  }
  return tokens;
}

function walkJson(fields: Fields, depth: number, options: WalkOptions): number {
  let tokens = options.meter.marks.braces;
  for (const key in fields) {
    const value = fields[key];
    if (value === undefined || typeof value === 'function') continue;
    tokens += options.meter.marks.member + options.meter.json(key);
    tokens += typeof value === 'string' ? options.meter.json(value) : walk(value, JSON_VALUE, depth + 1, options);
  }
  return tokens;
}

function walkMedia(part: object, hint: MediaKind, place: number, depth: number, options: WalkOptions): number {
  const { meter, overhead, model } = options;
  const read = readMediaPart(part, hint);
  let tokens = 0;
  for (const medium of read.media) tokens = Math.max(tokens, mediaTokens(medium, overhead.family, model));
  for (const text of read.texts) tokens += overhead.message + (place === TEXT ? meter.text(text) : meter.json(text));
  for (const file of read.textFiles) tokens += overhead.message + textFileTokens(file, meter);
  for (const value of read.rest) tokens += walk(value, JSON_VALUE, depth + 1, options);
  for (const value of read.blocks) tokens += walk(value, place, depth + 1, options);
  return tokens;
}

function textFileTokens(file: Uint8Array | string, meter: Meter): number {
  const text = meter.decode?.(file);
  // A text that is not base64 after all, or was sent as it is, may be longer than what it decodes to.
  const written = typeof file === 'string' ? meter.text(file) : 0;
  return Math.max(written, text === undefined ? meter.opaqueText(file.length) : meter.text(text));
}

/** Objects with a class: bytes, dates, schemas, a framework's messages. */
function walkInstance(value: object, place: number, depth: number, options: WalkOptions): number {
  if (ArrayBuffer.isView(value)) return bytesTokens(value.byteLength, place);
  if (value instanceof ArrayBuffer) return bytesTokens(value.byteLength, place);
  if (value instanceof Date) return DATE;
  if (value instanceof URL) return options.meter.json(value.href);
  if (typeof (value as { then?: unknown }).then === 'function') return UNBOUNDABLE_TOKENS;
  // A LangChain message repeats itself under lc_kwargs.
  if ('lc_kwargs' in value) {
    const fields = Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('lc_')));
    const isResult = place === TEXT && 'tool_call_id' in value;
    return walkFields(fields, isResult ? RESULT : place, depth, options);
  }
  if ('~standard' in value) {
    const schema = jsonSchemaOf(value['~standard']);
    return schema === undefined ? UNBOUNDABLE_TOKENS : walk(schema, JSON_VALUE, depth + 1, options);
  }
  if (typeof (value as Fields).toJSON === 'function') return walkJsonForm(value, place, depth, options);
  return walkFields(value as Fields, place, depth, options);
}

// Bytes that no media part explains are a file of unknown kind.
function bytesTokens(bytes: number, place: number): number {
  return place === JSON_VALUE ? bytes * JSON_BYTE : UNBOUNDABLE_TOKENS;
}

// A validation library's schema is sent as JSON Schema, which the Standard JSON Schema interface gives.
function jsonSchemaOf(standard: unknown): unknown {
  const { jsonSchema } = (standard ?? {}) as { jsonSchema?: { input?: unknown } };
  if (typeof jsonSchema?.input !== 'function') return undefined;
  try {
    const schema: unknown = Reflect.apply(jsonSchema.input, jsonSchema, [{ target: 'draft-07' }]);
    return schema;
  } catch {
    return undefined;
  }
}
