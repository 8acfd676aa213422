/** The one way for a call: reserve, run the callback, settle. Promises and streams differ only in how they land. */
import { admit } from './admission.ts';
import type { CallGrant, CallRequest, CallResult } from './call.ts';
import { checkCallback } from './check-request.ts';
import type { Engine } from './engine.ts';
import { ConfigError } from './errors.ts';
import { InFlight } from './in-flight.ts';
import { withFrame, type CallLayer } from './scope.ts';
import { show } from './show.ts';

type Execute<R> = (grant: CallGrant) => Promise<R>;

/**
 * Reserves the call's worst case, runs it, and settles what it cost.
 *
 * @returns the callback's `value`
 * @throws a KavachError when the call is refused (nothing was sent) or stopped, else the callback's own error
 */
export function guardedCall<T>(engine: Engine, request: CallRequest, execute: Execute<CallResult<T>>): Promise<T> {
  return governed(engine, request, execute, (call, result: CallResult<T> | undefined | null) => {
    const isResult = typeof result === 'object' && result !== null;
    if (call instanceof InFlight) call.complete(isResult ? result : {});
    else if (result?.cached !== true) call?.report(result?.usage);
    if (isResult) {
      engine.loops?.answered(request, result.value);
      return result.value;
    }
    if (result === undefined || result === null) return undefined as T;
    // Sent and charged by now; to hand nothing back would lose the answer without a word.
    throw new ConfigError(`guard.call(): the function must return { value, usage }, got ${show(result)}.`, {
      path: 'execute',
    });
  });
}

/**
 * Runs a callback under a reservation.
 *
 * @param land turns the callback's result into the caller's; from here on the call must settle by itself. It gets no
 *   call where none governs the request: in passthrough, or where an outer layer of this guard holds the reservation
 */
export function governed<R, V>(
  engine: Engine,
  request: CallRequest,
  execute: Execute<R>,
  land: (call: InFlight | CallLayer | undefined, result: R) => V,
): Promise<V> {
  try {
    checkCallback(execute);
    const admitted = admit(engine, request); // synchronous where there is room: nothing comes between check and hold
    if (admitted instanceof InFlight) return run(engine, admitted, execute, land);
    if (admitted instanceof Promise) return admitted.then((call) => run(engine, call, execute, land));
    const grant = ungoverned(request);
    const answer = admitted === undefined ? execute(grant) : withFrame(admitted, execute, grant);
    return Promise.resolve(answer).then((result) => land(admitted?.call, result));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** A stop from outside ends the caller's wait at once, also when the callback does not heed its signal. */
function run<R, V>(
  engine: Engine,
  call: InFlight,
  execute: Execute<R>,
  land: (call: InFlight, result: R) => V,
): Promise<V> {
  return new Promise<V>((resolve, reject) => {
    if (call.stopped !== undefined) throw call.stopped; // between its place in the queue and here
    call.onStop = reject;
    const fail = (error: unknown): void => {
      call.fail(error);
      reject(call.stopped ?? error);
    };
    const succeed = (result: R): void => {
      try {
        resolve(land(call, result));
      } catch (error) {
        fail(error); // what came back is no result
      }
    };
    try {
      // Promise.resolve, since a callback that is not async may return anything.
      Promise.resolve(withFrame(engine.frameOf(call), execute, call)).then(succeed, fail);
    } catch (error) {
      fail(error);
    }
  });
}

/** What a callback gets when no reservation governs its request: the request as it is. */
export function ungoverned({ signal, maxOutputTokens, model }: CallRequest): CallGrant {
  return { signal: signal ?? new AbortController().signal, maxOutputTokens, model };
}
