/** The events that tell listeners what was charged, and how far a budget is spent. */
import { fromUnit } from './budget/budget.ts';
import type { Account } from './budget/pool.ts';
import type { SpendEvent, ThresholdEvent } from './events.ts';
import type { InFlight } from './in-flight.ts';
import { nanoToUsd, type Nano } from './money.ts';
import type { Charge } from './settlement.ts';

/** What a budget counts, as events and kill reasons name it. */
export const BUDGET_TYPE = { usd: 'cost', tokens: 'tokens', calls: 'calls' } as const;

/** A settled call. */
export function spendOf(agentName: string, call: InFlight, charge: Charge, model: string, at: number): SpendEvent {
  const { usd, inputTokens, outputTokens, estimated, outcome } = charge;
  const { provider } = call.claim.request;
  return {
    agentName,
    runId: call.run.id,
    provider,
    model,
    usd: nanoToUsd(usd),
    inputTokens,
    outputTokens,
    estimated,
    outcome,
    at,
  };
}

/** Money spent outside a call, on what is named. */
export function chargeOf(agentName: string, runId: string, name: string, nano: Nano, at: number): SpendEvent {
  const none = { inputTokens: undefined, outputTokens: undefined, estimated: false, outcome: 'charge' } as const;
  return { agentName, runId, provider: '', model: name, usd: nanoToUsd(nano), ...none, at };
}

/** A share of its limit that an account's spend has reached. */
export function thresholdOf(
  agentName: string,
  budgetId: string,
  { pool, spent, holder }: Account,
  threshold: number,
  at: number,
): ThresholdEvent {
  const { unit } = pool.budget;
  return {
    agentName,
    budgetId,
    budgetType: BUDGET_TYPE[unit],
    holder: holder === '' ? undefined : holder,
    threshold,
    spent: fromUnit(unit, spent),
    limit: fromUnit(unit, pool.limit),
    at,
  };
}
