/** Does what must be done when the process ends, with one listener for all guards. */

const last = new Set<() => void>();

function run(): void {
  for (const fn of last) fn();
}

/**
 * Runs `fn` when the process exits by itself or by `process.exit()`; a signal that kills it runs nothing. `fn` must be
 * synchronous and must not throw. They run in the order in which they came: who settles comes before who writes.
 *
 * @returns a function that takes it back
 */
export function atExit(fn: () => void): () => void {
  if (last.size === 0) process.on('exit', run);
  last.add(fn);
  return () => {
    if (last.delete(fn) && last.size === 0) process.off('exit', run);
  };
}
