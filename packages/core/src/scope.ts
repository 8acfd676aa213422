/**
 * Who a call belongs to: the run, user and tags around it, and the guarded call that it may be part of. Carried by
 * AsyncLocalStorage, so that nothing has to be passed through a framework.
 */
import type { Account } from './budget/pool.ts';
import type { CallRequest, Usage } from './call.ts';
import type { Run } from './guardrails/run.ts';

/** One layer of context; the innermost is current. */
export interface Frame {
  readonly parent: Frame | undefined;
  /** The guard that opened the layer. */
  readonly guard: object;
  readonly user: string | undefined;
  readonly tags: readonly string[];
  /** The run of `guard` that calls count in. */
  readonly run: Run;
  /** Set where the layer is a call in flight. */
  readonly call: CallLayer | undefined;
}

/**
 * The identity of a request that knows no more of itself than its model: what a client sends over HTTP. It is the same
 * call as the layer around it.
 */
export const ENCLOSING: object = Object.freeze({});

/** A call in flight, as an inner guard sees it. */
export interface CallLayer {
  /** What identifies the call through several guarded layers, together with the model. */
  readonly identity: object | undefined;
  readonly model: string;
  /** Where the call's reservation is held. */
  readonly accounts: readonly Account[];
  /** Guards of which an inner layer has taken over this request; their next request of the same identity is a new call. */
  takenOverBy: Set<object> | undefined;
  /** Whether the reservation is large enough for a request. */
  covers(request: CallRequest): boolean;
  /**
   * Holds what an inner layer's version of the request needs beyond what is held: a layer in between may have made it
   * larger. @returns the account that has no room for it
   */
  holdFor(request: CallRequest): Account | undefined;
  /** Tells the layer that an inner one, which took its reservation over, was answered, and the usage where it is known. */
  report(usage: Usage | undefined): void;
  /** Whether the reservation is still held. */
  readonly ended: boolean;
}

interface Storage {
  getStore(): Frame | undefined;
  run<T, A extends unknown[]>(frame: Frame, fn: (...args: A) => T, ...args: A): T;
}

// Read through process.getBuiltinModule, so that the engine has no import that a browser or an edge runtime lacks.
// Without AsyncLocalStorage, runs and users are not tracked and everything counts in the guard's own run.
const storage: Storage = openStorage();

/** The innermost layer around the caller. */
export function currentFrame(): Frame | undefined {
  return storage.getStore();
}

/** Runs `fn` inside a layer. */
export function withFrame<T, A extends unknown[]>(frame: Frame, fn: (...args: A) => T, ...args: A): T {
  return storage.run(frame, fn, ...args);
}

function openStorage(): Storage {
  const builtin = (globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } }).process
    ?.getBuiltinModule;
  const hooks = builtin?.('node:async_hooks') as { AsyncLocalStorage?: new () => Storage } | undefined;
  if (hooks?.AsyncLocalStorage !== undefined) return new hooks.AsyncLocalStorage();
  return { getStore: () => undefined, run: (_frame, fn, ...args) => fn(...args) };
}
