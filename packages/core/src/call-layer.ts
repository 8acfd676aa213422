/** How one call is known in several guarded layers, and how its reservation is handed to one more of them. */
import type { CallRequest } from './call.ts';
import { identityOf } from './in-flight.ts';
import { ENCLOSING, type CallLayer } from './scope.ts';

/** Whether a request is the one that a layer around it holds. */
export function isSameCall(call: CallLayer, request: CallRequest): boolean {
  const identity = identityOf(request);
  if (identity === undefined || call.ended || call.model !== request.model) return false;
  return identity === ENCLOSING || call.identity === identity;
}

/** The same reservation for one more layer inside, which may take it over in turn. */
export function relay(call: CallLayer): CallLayer {
  const { identity, model, accounts } = call;
  return {
    identity,
    model,
    accounts,
    takenOverBy: undefined,
    covers: (request) => call.covers(request),
    holdFor: (request) => call.holdFor(request),
    report: (usage) => call.report(usage),
    get ended() {
      return call.ended;
    },
  };
}
