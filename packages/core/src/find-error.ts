/** Looks for an error inside the wrappers that frameworks put around it. */
import { KavachError } from './errors.ts';

const MAX_VISITED = 200;
const LINKS = ['cause', 'error', 'lastError', 'reason', 'originalError', 'errors'] as const;

/**
 * The first value inside an error's wrappers that `test` accepts: causes, aggregated errors, a framework's retry and
 * stream errors. Cycles and very deep nests end the search.
 */
export function findInCauses<T>(error: unknown, test: (value: object) => T | undefined): T | undefined {
  const queue: unknown[] = [error];
  const visited = new Set<unknown>();
  for (let i = 0; i < queue.length && visited.size < MAX_VISITED; i++) {
    const value = queue[i];
    if (typeof value !== 'object' || value === null || visited.has(value)) continue;
    visited.add(value);
    const found = test(value);
    if (found !== undefined) return found;
    for (const link of LINKS) {
      const next: unknown = readSafely(value, link);
      if (Array.isArray(next)) queue.push(...next.slice(0, MAX_VISITED));
      else queue.push(next);
    }
  }
  return undefined;
}

/**
 * Our error inside whatever a framework threw: the AI SDK's RetryError, LangChain's MiddlewareError, an AggregateError,
 * an error part of a stream.
 *
 * @returns the error, or `undefined` when there is none of ours
 * @example
 * try { await agent.generate({ prompt }) } catch (e) { if (BudgetExceededError.isInstance(findKavachError(e))) stop(); }
 */
export function findKavachError(error: unknown): KavachError | undefined {
  return findInCauses(error, (value) => (KavachError.isInstance(value) ? value : undefined));
}

function readSafely(value: object, key: string): unknown {
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined; // a getter of somebody's error class
  }
}
