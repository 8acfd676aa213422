/** Which agents can't go on because a budget of theirs is spent, and until when. */
import type { BudgetView } from '../_operator/budget-list.ts';
import type { Sql } from '../_operator/sql.ts';

/** A spent budget that stops an agent; of several the one that reopens last. */
export interface SpentBudget extends Pick<BudgetView, 'id' | 'scope' | 'name' | 'unit' | 'period'> {
  /** When its next window begins; `null` for `total`, which has none. */
  readonly resetsAt: string | null;
}

/**
 * Reads them by agent. Budgets are the agent's own and the pools that it takes slices of; those of single users and tags stop
 * only these. Under a hard limit the spend need not reach it exactly: what counts is that 100 % was told.
 */
export async function findSpentBudgets(
  sql: Sql,
  org: string,
  agentIds: readonly string[],
): Promise<ReadonlyMap<string, SpentBudget>> {
  const rows = await sql<(SpentBudget & { readonly agentId: string; readonly resets: Date | null })[]>`
    select distinct on (k.agent_id) k.agent_id as "agentId", b.id, b.scope, nullif(b.name, '') as name, b.unit, b.period,
      nullif(w.window_end, 'infinity') as resets
    from (
      select b.agent_id, b.id from kavach.budgets b
      where b.org_id = ${org} and b.agent_id = any(${[...agentIds]}::uuid[]) and b.scope = 'agent'
      union
      select l.agent_id, l.budget_id from kavach.leases l
      where l.org_id = ${org} and l.agent_id = any(${[...agentIds]}::uuid[])
    ) k
    join kavach.budgets b on b.id = k.id
    cross join lateral private.window_of(b.period, b.time_zone, now()) w
    join kavach.budget_windows s on s.budget_id = b.id and s.holder = '' and s.window_start = w.window_start
    where 1 = any(s.fired) or s.spent >= b.limit_amount
    order by k.agent_id, w.window_end desc, b.id`;
  return new Map(
    rows.map(({ agentId, resets, ...budget }) => [agentId, { ...budget, resetsAt: resets?.toISOString() ?? null }]),
  );
}
