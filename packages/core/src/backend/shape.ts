/**
 * Checks of what comes from outside, field by field. What is not what the contract says is thrown out as `garbage`; what the
 * contract does not name is left out, so that a newer backend may say more.
 */
import { show } from '../show.ts';
import { BackendError } from '../wire/backend-error.ts';

/** Checks one value and returns it typed; `at` names it in the error. */
export type Check<T> = (value: unknown, at: string) => T;

/** A whole number that JavaScript holds exactly. */
export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER): Check<number> {
  return (value, at) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw garbage(at, `a whole number from ${least} to ${most}`, value);
  };
}

/** Milliseconds, also parts of one. */
export function milliseconds(least: number, most: number): Check<number> {
  return (value, at) => {
    if (typeof value === 'number' && value >= least && value <= most) return value;
    throw garbage(at, `a number from ${least} to ${most}`, value);
  };
}

export const truth: Check<boolean> = (value, at) => {
  if (typeof value === 'boolean') return value;
  throw garbage(at, 'true or false', value);
};

/** A text that something is found by: it is taken as it is, or not at all. */
export function text(least: number, most: number): Check<string> {
  return (value, at) => {
    if (typeof value === 'string' && value.length >= least && value.length <= most) return value;
    throw garbage(at, `a text of ${least} to ${most} characters`, value);
  };
}

/** A text for people: cut off where it is too long. */
export function sentence(most: number): Check<string> {
  return (value, at) => {
    if (typeof value === 'string') return value.slice(0, most);
    throw garbage(at, 'a text', value);
  };
}

export function oneOf<const T extends string>(...words: readonly T[]): Check<T> {
  return (value, at) => {
    const word = words.find((candidate) => candidate === value);
    if (word !== undefined) return word;
    throw garbage(at, `one of ${words.join(', ')}`, value);
  };
}

export function nullable<T>(check: Check<T>): Check<T | null> {
  return (value, at) => (value === null ? null : check(value, at));
}

export function list<T>(most: number, check: Check<T>): Check<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value) || value.length > most) throw garbage(at, `a list of at most ${most}`, value);
    return value.map((each, index) => check(each, `${at}[${index}]`));
  };
}

/** An object with these fields; others are left out. */
export function fields<T extends object>(shape: { readonly [K in keyof T]-?: Check<T[K]> }): Check<T> {
  const checks = Object.entries<Check<unknown>>(shape);
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw garbage(at, 'an object', value);
    const checked = checks.map(([key, check]) => [key, check(Reflect.get(value, key), `${at}.${key}`)] as const);
    return Object.fromEntries<unknown>(checked) as T;
  };
}

function garbage(at: string, expected: string, value: unknown): BackendError {
  return new BackendError(
    `The backend's answer makes no sense: ${at} must be ${expected}, got ${show(value)}.`,
    'garbage',
  );
}
