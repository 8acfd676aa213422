/** The checks that options go through. Each error names the option, what it got, and what to write instead. */
import { show } from '../show.ts';
import { ConfigError } from '../errors.ts';

/** Checks one value and returns it typed; `path` names it in errors. */
export type Check<T> = (value: unknown, path: string) => T;

/** A number within bounds. */
export function numberFrom(
  least: number,
  most: number,
  options: { integer?: boolean; example: string },
): Check<number> {
  return (value, path) => {
    const isRight =
      typeof value === 'number' &&
      value >= least &&
      value <= most &&
      (options.integer !== true || Number.isSafeInteger(value));
    if (isRight) return value;
    const kind = options.integer === true ? 'a whole number' : 'a number';
    throw new ConfigError(
      `${path} must be ${kind} from ${least} to ${most}, got ${show(value)}. Write for example ${options.example}.`,
      { path },
    );
  };
}

/** One of a few words. */
export function oneOf<const T extends string>(...words: readonly T[]): Check<T> {
  return (value, path) => {
    const word = words.find((candidate) => candidate === value);
    if (word !== undefined) return word;
    throw new ConfigError(
      `${path} must be one of ${words.map((each) => `'${each}'`).join(', ')}, got ${show(value)}.`,
      { path },
    );
  };
}

/** True or false. */
export const flag: Check<boolean> = (value, path) => {
  if (typeof value === 'boolean') return value;
  throw new ConfigError(`${path} must be true or false, got ${show(value)}.`, { path });
};

/** A text of limited length. */
export function text(most: number, example: string): Check<string> {
  return (value, path) => {
    if (typeof value === 'string' && value.length > 0 && value.length <= most && !hasControlCharacter(value))
      return value;
    throw new ConfigError(
      `${path} must be a text of 1 to ${most} characters without control characters, got ${show(value)}. Write for example ${example}.`,
      { path },
    );
  };
}

/** An object whose keys are all known. */
export function record(value: unknown, path: string, known: readonly string[] | undefined): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(`${path} must be an object, got ${show(value)}.`, { path });
  }
  const fields = value as Record<string, unknown>;
  for (const key of Object.keys(fields))
    if (known !== undefined && !known.includes(key)) throw unknownKey(path, key, known);
  return fields;
}

function unknownKey(path: string, key: string, known: readonly string[]): ConfigError {
  const near = known.find((candidate) => distance(candidate.toLowerCase(), key.toLowerCase()) <= 2);
  const hint = near === undefined ? `Known: ${known.join(', ')}.` : `Did you mean ${near}?`;
  const full = path === 'options' ? key : `${path}.${key}`;
  return new ConfigError(`Unknown option ${full}. ${hint}`, { path: full });
}

function hasControlCharacter(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) < 32 || value.charCodeAt(i) === 127) return true;
  return false;
}

/** How many edits lead from one word to another (Levenshtein). */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
