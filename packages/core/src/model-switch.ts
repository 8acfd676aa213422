/** Switches calls to a cheaper model once a share of one of their budgets is spent. */
import type { Account } from './budget/pool.ts';
import type { CallRequest } from './call.ts';
import { sayOnce } from './config/say-once.ts';
import type { ModelSwitch, Policy } from './config/policy.ts';

/**
 * The request for the model that `onThreshold` names at what is spent; the request itself where there is nothing to
 * switch. Judged by what is spent, not by what is held, as thresholds are.
 */
export function switched(
  { modelSwitches, mode, agentName }: Policy,
  request: CallRequest,
  accounts: readonly Account[],
): CallRequest {
  if (mode === 'observe' || (request.kind ?? 'text') !== 'text') return request;
  const due = modelSwitches.find(({ threshold }) =>
    accounts.some(({ spent, pool }) => spent >= threshold * pool.limit),
  );
  if (due === undefined || due.model === request.model) return request;
  if (request.canSwitchModel !== true) {
    sayOnce(`switch ${agentName} ${request.model}`, cannotSwitch(agentName, request.model, due));
    return request;
  }
  return { ...request, model: due.model };
}

function cannotSwitch(agentName: string, model: string, { threshold, model: wanted }: ModelSwitch): string {
  return (
    `agent ${agentName}: ${threshold * 100} % of a budget is spent, and onThreshold asks for ${wanted} instead of ${model}, ` +
    `but this call comes from a model object that can't become another model. It goes on with ${model}, within the limit.`
  );
}
