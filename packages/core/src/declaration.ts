/** What a guard connects with: which agent it is, and its budgets as the wire names them. */
import type { Engine } from './engine.ts';
import { WIRE_LIMITS, type ConnectRequest, type WireBudget } from './wire/index.ts';

/** The request of a guard to know what holds for its budgets. */
export function declarationOf({ policy, budgets }: Engine, instance: string): ConnectRequest {
  const declared = budgets.pools.slice(0, WIRE_LIMITS.budgets).map(({ budget }, index): WireBudget => {
    const { scope, name, unit, period, timeZone, limit } = budget;
    return { id: budgets.ids[index] ?? period, scope, name: name ?? null, unit, period, timeZone, limit };
  });
  return { sdk: 'js/0.1.0', instance, agent: policy.agentName, budgets: declared };
}
