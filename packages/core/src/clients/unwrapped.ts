/**
 * Gives the guard's own errors out of a client that wraps whatever its transport throws: those of Google and Mistral. A
 * view on the client, of the same type; the client below it is not changed.
 */
import { findKavachError } from '../find-error.ts';

/** The client, whose methods reject with the guard's error where one is the cause of theirs. */
export function unwrapped<C extends object>(client: C): C {
  const views = new WeakMap<object, object>();
  const viewOf = <T extends object>(target: T): T => {
    let view = views.get(target);
    if (view === undefined) {
      view = new Proxy(target, { get: (_, key) => shown(target, key) });
      views.set(target, view);
    }
    return view as T;
  };
  const shown = (target: object, key: PropertyKey): unknown => {
    // On the target itself: classes with private fields don't work on a view.
    const value: unknown = Reflect.get(target, key, target);
    if (typeof value === 'function') return key === 'constructor' ? value : method(target, value as Method);
    return isInstance(value) ? viewOf(value) : value;
  };
  const method = (target: object, inherited: Method): Method => {
    let view = views.get(inherited);
    if (view === undefined) {
      view = (...args: unknown[]): unknown => {
        const result = inherited.apply(target, args);
        if (isPromise(result)) return result.then(undefined, fail);
        return isInstance(result) ? viewOf(result) : result;
      };
      views.set(inherited, view);
    }
    return view as Method;
  };
  return viewOf(client);
}

type Method = (...args: unknown[]) => unknown;

function fail(error: unknown): never {
  throw findKavachError(error) ?? error;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}

/** An object of a class of the client's: its resources, a chat. Not plain data, and nothing that the platform has. */
function isInstance(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return false;
  const { constructor } = prototype as { constructor?: unknown };
  return !(typeof constructor === 'function' && /\[native code\]/.test(Function.prototype.toString.call(constructor)));
}
