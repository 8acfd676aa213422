/** A promise that a test settles when it wants to, instead of waiting for time to pass. */

/** A promise with its two ends. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/**
 * Makes a promise that is settled from outside.
 *
 * @example
 * const answer = deferred<string>();
 * const call = guard.call(request, async () => ({ value: await answer.promise }));
 * answer.resolve('done');
 */
export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
