/** The events that tell listeners what was charged. */
import type { SpendEvent } from './events.ts';
import type { InFlight } from './in-flight.ts';
import { nanoToUsd, type Nano } from './money.ts';
import type { Charge } from './settlement.ts';

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
