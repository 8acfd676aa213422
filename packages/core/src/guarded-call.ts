/** The one way for a call that returns a promise: reserve, call the provider, settle. */
import type { CallGrant, CallRequest, CallResult } from './call.ts';
import { admit } from './admission.ts';
import type { Engine } from './engine.ts';
import type { InFlight } from './in-flight.ts';
import { withFrame } from './scope.ts';

/**
 * Reserves the call's worst case, runs it, and settles what it cost.
 *
 * @returns the callback's `value`
 * @throws a KavachError when the call is refused (nothing was sent) or stopped, else the callback's own error
 */
export async function guardedCall<T>(
  engine: Engine,
  request: CallRequest,
  execute: (grant: CallGrant) => Promise<CallResult<T>>,
): Promise<T> {
  const admitted = admit(engine, request); // synchronous where there is room: nothing may come between check and hold
  if (admitted === undefined) return (await execute(ungoverned(request))).value;
  const call = admitted instanceof Promise ? await admitted : admitted;
  const result = await started(engine, call, execute);
  call.complete(result ?? {});
  return (result as CallResult<T> | undefined)?.value as T;
}

/**
 * Runs the callback inside the call's layer. A stop from outside ends the wait at once, also when the callback does
 * not heed its signal.
 */
export function started<R>(engine: Engine, call: InFlight, execute: (grant: CallGrant) => Promise<R>): Promise<R> {
  return new Promise<R>((resolve, reject) => {
    call.onStop = reject;
    const fail = (error: unknown): void => {
      call.fail(error);
      reject(call.stopped ?? toError(error));
    };
    try {
      withFrame(engine.frameOf(call), () => execute(call)).then(resolve, fail);
    } catch (error) {
      fail(error); // a callback that is not async
    }
  });
}

/** What a callback gets when no guard governs the call: the request as it is. */
export function ungoverned(request: CallRequest): CallGrant {
  const signal = request.signal ?? new AbortController().signal;
  return { signal, maxOutputTokens: request.maxOutputTokens, model: request.model };
}

/** Rejections are passed on as they came, whatever was thrown. */
function toError(error: unknown): Error {
  return error as Error;
}
