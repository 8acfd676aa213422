/** Reads and checks rules from JSON; every mistake is an error that names the field and says what belongs there. */
import { readFile } from 'node:fs/promises';
import { isObject } from './json.ts';
import { APIS, PROVIDERS } from './request.ts';
import type { ScriptRule } from './script.ts';

/** A script file is wrong. */
export class ScriptError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ScriptError';
  }
}

/** Checks a value: gives what should have been there, or `undefined` when it is right. */
type Check = (value: unknown, path: string) => string | undefined;
type Fields = Readonly<Record<string, Check>>;

const whole =
  (least: number, most = Number.MAX_SAFE_INTEGER): Check =>
  (value) =>
    Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most
      ? undefined
      : `a whole number ${most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`}`;
const text: Check = (value) => (typeof value === 'string' ? undefined : 'a text');
const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false');
const milliseconds: Check = (value) =>
  typeof value === 'number' && value >= 0 ? undefined : 'milliseconds, 0 or more';
const anything: Check = () => undefined;
const oneOf =
  (names: readonly string[]): Check =>
  (value) =>
    names.some((name) => name === value) ? undefined : `one of ${names.join(', ')}`;
const object =
  (fields: Fields, needed: readonly string[] = []): Check =>
  (value, path) => {
    checkObject(value, path, fields, needed);
    return undefined;
  };
const list =
  (item: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return 'a list';
    for (const [index, entry] of value.entries()) check(entry, `${path}[${index}]`, item);
    return undefined;
  };
const map: Check = (value) => (isObject(value) ? undefined : 'an object');

const REPLY: Fields = {
  text,
  tokens: whole(0),
  reasoningTokens: whole(0),
  toolCalls: list(object({ name: text, arguments: map }, ['name'])),
  usage: object({
    inputTokens: whole(0),
    cacheRead: whole(0),
    cacheWrite: whole(0),
    cacheWrite1h: whole(0),
    toolUsePrompt: whole(0),
  }),
  latencyMs: milliseconds,
  chunkMs: milliseconds,
  chunkTokens: whole(1),
  error: object({ status: whole(400, 599), message: text, body: anything, retryAfter: whole(0) }, ['status']),
  hang: flag,
  cutAfterChunks: whole(0),
  errorEventAfterChunks: whole(0),
  omitUsage: flag,
  model: text,
  serviceTier: text,
};

const MATCH: Fields = {
  provider: oneOf(PROVIDERS),
  api: oneOf(APIS),
  model: text,
  streamed: flag,
  text,
  nth: whole(1),
};

/**
 * Reads rules from a JSON file: `{ "rules": [{ "match": { … }, "reply": { … } }] }`.
 *
 * @throws ScriptError when the file can't be read, is no JSON, or has a wrong field
 * @example startSimulator({ script: await loadScript('script.json') })
 */
export async function loadScript(path: string): Promise<readonly ScriptRule[]> {
  let source: string;
  try {
    source = await readFile(path, 'utf8');
  } catch (error) {
    throw new ScriptError(`${path}: the file can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    throw new ScriptError(`${path}: not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    return parseScript(value);
  } catch (error) {
    throw error instanceof ScriptError ? new ScriptError(`${path}: ${error.message}`) : error;
  }
}

/**
 * Checks rules that came from JSON.
 *
 * @throws ScriptError that names the first wrong field
 */
export function parseScript(value: unknown): readonly ScriptRule[] {
  const rules: unknown = isObject(value) ? value['rules'] : undefined;
  checkObject(value, '', { rules: list(rule) }, ['rules']);
  // Checked field by field just above.
  return rules as readonly ScriptRule[];
}

const rule: Check = (value, path) => {
  const reply = isObject(value) && isObject(value['reply']) ? value['reply'] : {};
  if (isObject(reply) && 'hold' in reply) {
    throw new ScriptError(`${path}.reply.hold is for scripts in code only. Use latencyMs or hang instead.`);
  }
  checkObject(value, path, { match: object(MATCH), reply: object(REPLY) }, ['reply']);
  if ('text' in reply && 'tokens' in reply) {
    throw new ScriptError(
      `${path}.reply has both text and tokens. Leave one out: tokens generates a text of that length.`,
    );
  }
  return undefined;
};

function checkObject(value: unknown, path: string, fields: Fields, needed: readonly string[]): void {
  const place = path === '' ? 'The script' : path;
  if (!isObject(value)) throw new ScriptError(`${place} must be an object, got ${show(value)}.`);
  for (const [key, item] of Object.entries(value)) {
    const field = path === '' ? key : `${path}.${key}`;
    const known = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (!known) throw new ScriptError(`${field} is unknown. ${place} may have: ${Object.keys(fields).join(', ')}.`);
    check(item, field, known);
  }
  for (const key of needed) {
    if (!(key in value)) throw new ScriptError(`${path === '' ? key : `${path}.${key}`} is missing.`);
  }
}

function check(value: unknown, path: string, expected: Check): void {
  const wanted = expected(value, path);
  if (wanted !== undefined) throw new ScriptError(`${path} must be ${wanted}, got ${show(value)}.`);
}

const show = (value: unknown): string => (value === undefined ? 'undefined' : JSON.stringify(value)).slice(0, 80);
