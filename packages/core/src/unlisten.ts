/** Stops listening to a caller's signal, at the end of a call: nothing may keep the call from being settled. */

/** Like `removeEventListener`, but a signal whose own throws (a polyfill's, a proxy's) is left as it is. */
export function unlisten(signal: AbortSignal | undefined, onAbort: () => void): void {
  try {
    signal?.removeEventListener('abort', onAbort);
  } catch {
    // Its listener does nothing once the call has ended.
  }
}
