/** Looks for an error inside the wrappers that frameworks put around it. */
import { KavachError } from './errors.ts';

const MAX_VISITED = 200;
const LINKS = ['cause', 'error', 'lastError', 'reason', 'originalError', 'toolError', 'errors'] as const;

/**
 * Our error inside whatever a framework threw: the AI SDK's RetryError, LangChain's MiddlewareError and ToolInvocationError, an AggregateError,
 * an error part of a stream. Cycles and very deep nests end the search.
 *
 * @returns the error, or `undefined` when there is none of ours
 * @example
 * try { await agent.generate({ prompt }) } catch (e) { if (BudgetExceededError.isInstance(findKavachError(e))) stop(); }
 */
export function findKavachError(error: unknown): KavachError | undefined {
  const queue: unknown[] = [error];
  const visited = new Set<unknown>();
  for (let i = 0; i < queue.length && visited.size < MAX_VISITED; i++) {
    const value = queue[i];
    if (typeof value !== 'object' || value === null || visited.has(value)) continue;
    visited.add(value);
    if (isOurs(value)) return value;
    for (const link of LINKS) {
      const next = readSafely(value, link);
      if (Array.isArray(next)) queue.push(...(next.slice(0, MAX_VISITED) as unknown[]));
      else queue.push(next);
    }
  }
  return undefined;
}

/** A property of an error of unknown making; `undefined` where reading it throws. */
export function readSafely(value: object, key: string): unknown {
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined; // a getter of somebody's error class
  }
}

function isOurs(value: object): value is KavachError {
  try {
    return KavachError.isInstance(value);
  } catch {
    return false; // a proxy whose traps throw
  }
}
