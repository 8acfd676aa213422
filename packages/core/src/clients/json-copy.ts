/** Copies an object as JSON would write it out, without writing it: the strings, which are most of a prompt, are shared. */
import type { Fields } from '../transport/request.ts';

/** Deeper than any request. */
const MAX_DEPTH = 100;

/** Stands for a value whose JSON can't be told from its fields. */
const OTHER: unique symbol = Symbol('agentkavach.other');

/** The copy; `undefined` for what is no object, or holds more than plain objects, arrays and JSON's own values. */
export function jsonCopy(value: unknown): Fields | undefined {
  const copy = typeof value === 'object' && value !== null && !Array.isArray(value) ? copyOf(value, 0) : OTHER;
  return copy === OTHER ? undefined : (copy as Fields);
}

function copyOf(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return OTHER;
  return Array.isArray(value) ? copyOfArray(value, depth) : copyOfObject(value, depth);
}

function copyOfArray(values: readonly unknown[], depth: number): unknown {
  if (Object.getPrototypeOf(values) !== Array.prototype || 'toJSON' in values) return OTHER;
  const copy: unknown[] = [];
  for (const value of values) {
    const own = copyOf(value, depth + 1);
    if (own === OTHER) return OTHER;
    copy.push(own);
  }
  return copy;
}

function copyOfObject(object: object, depth: number): unknown {
  if (Object.getPrototypeOf(object) !== Object.prototype || 'toJSON' in object) return OTHER;
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object) as [string, unknown][]) {
    if (key === '__proto__') return OTHER;
    if (value === undefined || typeof value === 'function') continue;
    const own = copyOf(value, depth + 1);
    if (own === OTHER) return OTHER;
    copy[key] = own;
  }
  return copy;
}
