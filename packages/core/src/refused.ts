/** The refusal of a call: the error, and who hears of it. */
import { budgetExceeded, type DenialCause } from './budget/denial.ts';
import { amountIn } from './budget/ledger.ts';
import type { Account } from './budget/pool.ts';
import type { Claim } from './claim.ts';
import type { Engine } from './engine.ts';
import { KavachError, type BudgetExceededError } from './errors.ts';

/** Throws the refusal, unless the guard only observes. */
export function enforce(engine: Engine, error: KavachError): void {
  if (engine.policy.mode !== 'observe') throw denied(engine, error);
  engine.events.emit('denied', () => ({
    agentName: engine.policy.agentName,
    error,
    enforced: false,
    at: engine.policy.clock.now(),
  }));
}

/** Tells the listeners of a refusal. @returns the error, to throw */
export function denied(engine: Engine, error: Error): Error {
  const { agentName, clock } = engine.policy;
  if (KavachError.isInstance(error))
    engine.events.emit('denied', () => ({ agentName, error, enforced: true, at: clock.now() }));
  return error;
}

/** The refusal of a claim by an account that has no room for it. */
export function exceeded(engine: Engine, claim: Claim, account: Account, cause: DenialCause): BudgetExceededError {
  const requested = amountIn(account.pool.budget.unit, claim);
  return budgetExceeded(
    engine.policy.agentName,
    engine.budgets.idOf(account.pool),
    account,
    requested,
    cause,
    claim.hint,
  );
}
