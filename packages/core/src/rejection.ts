/** What the backend answers when it takes nothing more from an agent. */
import { BudgetExceededError } from './errors.ts';

/** Why the backend takes nothing more from an agent, so that its calls are refused. */
export const REJECTIONS = ['tier_agent_limit', 'daily_limit', 'org_budget_exceeded', 'key_revoked'] as const;

/** One of {@link REJECTIONS}. */
export type Rejection = (typeof REJECTIONS)[number];

/**
 * The backend takes nothing more from this agent: its plan, its key or the organisation's budget forbids it. Nothing was
 * sent to the provider. The figures of a budget are 0: none was passed.
 */
export class IngestRejectedError extends BudgetExceededError {
  static override readonly kind: string = 'IngestRejectedError';
  override readonly code = 'KAVACH_INGEST_REJECTED';
  constructor(
    message: string,
    /** What to look at: the plan's agents or events, the organisation's budget, or the API key. */
    readonly reason: Rejection,
  ) {
    const none = { limit: 0, spent: 0, reserved: 0, heldByOthers: 0, requested: 0, resetsAt: null } as const;
    super(message, { scope: 'org', budgetId: 'organisation', period: 'total', unit: 'usd', ...none });
  }
}
