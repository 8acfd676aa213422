/** The refusal of a call for want of room, with the figures and what to do next. */
import { BudgetExceededError } from '../errors.ts';
import { formatUsd } from '../money.ts';
import { fromUnit, type BudgetUnit } from './budget.ts';
import type { Account } from './pool.ts';

/** Why a call was refused, as the end of a sentence. */
export type DenialCause = 'no room' | 'too large' | 'closed' | 'waited' | 'held' | 'no backend' | 'unreachable';

/**
 * The error for a call that a budget refused.
 *
 * @param requested the call's worst case in the budget's integer unit
 * @param cause `no room`: nothing that could free it is in flight; `too large`: not even an unspent budget has it; `held`
 *   and `waited`: other calls hold it; `closed`: the budget has stopped its agent; `no backend` and `unreachable`: nobody
 *   could be asked for more of a shared budget, and nothing that was leased is left, or too little
 * @param hint what the caller could change about the call
 */
export function budgetExceeded(
  agentName: string,
  id: string,
  account: Account,
  requested: number,
  cause: DenialCause,
  hint: string,
): BudgetExceededError {
  const { pool, spent, reserved, heldByOthers, window, holder } = account;
  const { unit, scope, period } = pool.budget;
  const amount = (value: number): string => formatAmount(unit, value);
  const resetsAt = toIso(window.end);
  const whose = holder === '' ? '' : ` (${scope} ${JSON.stringify(holder)})`;
  const elsewhere = heldByOthers === 0 ? '' : `, held by other processes ${amount(heldByOthers)}`;
  const reopens = resetsAt === null ? '' : ` It reopens at ${resetsAt}.`;
  const message =
    `Budget '${id}'${whose} of agent ${agentName} ${CAUSES[cause]}: limit ${amount(pool.limit)}, spent ${amount(spent)}, ` +
    `reserved ${amount(reserved)}${elsewhere}; this call could take ${amount(requested)}. Nothing was sent.${reopens} ` +
    adviceFor(cause, id, unit, hint);
  return new BudgetExceededError(message, {
    scope,
    budgetId: id,
    period,
    unit,
    limit: fromUnit(unit, pool.limit),
    spent: fromUnit(unit, spent),
    reserved: fromUnit(unit, reserved),
    heldByOthers: fromUnit(unit, heldByOthers),
    requested: fromUnit(unit, requested),
    resetsAt,
  });
}

/** The end of a window in ISO 8601; `null` when it never ends. */
export function toIso(end: number): string | null {
  return Number.isFinite(end) ? new Date(end).toISOString() : null;
}

function adviceFor(cause: DenialCause, id: string, unit: BudgetUnit, hint: string): string {
  if (cause === 'no backend')
    return `Start the backend, or set onBackendUnavailable: 'local' to pool within this process.`;
  if (cause === 'unreachable')
    return 'Try again when the backend is back; until then there is only what this process had leased before.';
  const raise = `raise it with guard.setLimit('${id}', …)`;
  if (cause === 'closed') return `To go on now, ${raise} or call guard.resume().`;
  if (cause === 'waited' || cause === 'held') return `Try again when other calls have ended, or ${raise}.`;
  return unit === 'calls' ? `To go on now, ${raise}.` : `To go on now, ${raise}. ${hint}`;
}

const CAUSES: Readonly<Record<DenialCause, string>> = {
  'no room': 'has no room',
  'too large': 'can not hold this call, however little is spent',
  closed: 'has stopped the agent for this window',
  waited: 'had no room within waitMs',
  held: 'has its room held by other calls',
  'no backend': 'is shared and its backend is not connected',
  unreachable: 'could get no more room, because its backend can not be reached',
};

function formatAmount(unit: BudgetUnit, amount: number): string {
  if (unit === 'usd') return formatUsd(amount);
  return unit === 'calls' && amount === 1 ? '1 call' : `${amount} ${unit}`;
}
