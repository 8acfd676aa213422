/** Budgets with what is spent of them in the present window: shown by the budgets themselves and by their agents. */
import type { Fragment, Sql } from './sql.ts';

/** A budget as the API shows it. Amounts in the budget's unit: dollars, tokens or calls. */
export interface BudgetView {
  readonly id: string;
  /** `null` for shared and org budgets. */
  readonly agent: string | null;
  readonly scope: 'agent' | 'user' | 'tag' | 'shared' | 'org';
  /** The pool's name (shared), or the user's name for it. */
  readonly name: string | null;
  readonly unit: 'usd' | 'tokens' | 'calls';
  readonly period: 'hourly' | 'daily' | 'weekly' | 'monthly' | 'total';
  readonly timeZone: string;
  readonly limit: number;
  /** What the agent's code asks for; `null` where no code declared it. */
  readonly declaredLimit: number | null;
  readonly managedBy: 'code' | 'operator';
  /** The present window; `null` for `total`. */
  readonly windowStart: string | null;
  readonly windowEnd: string | null;
  /** In the present window. Of a budget per user or tag: by the holder that spent the most. */
  readonly spent: number;
  /** The part of `spent` that is an estimate. */
  readonly estimated: number;
  /** Held by processes and not yet spent (shared and org). */
  readonly leased: number;
  /** `limit` less `spent`, never below 0. */
  readonly remaining: number;
  /** The user or tag that spent the most; `null` for budgets with one account. */
  readonly holder: string | null;
  /** How many users or tags spent in this window; counted up to 1,000. */
  readonly holders: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

interface BudgetRow extends Omit<BudgetView, 'windowStart' | 'windowEnd' | 'createdAt' | 'updatedAt'> {
  readonly agentId: string | null;
  readonly windowStart: Date | null;
  readonly windowEnd: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Which budgets of the organisation: of these agents, or one, or all that come after a cursor. */
export type BudgetFilter =
  | { readonly agentIds: readonly string[] }
  | { readonly id: string }
  | { readonly agent: string | null; readonly after: string | null; readonly limit: number };

/** Reads budgets, ordered by id. Windows are judged by the database's clock. */
export async function findBudgets(sql: Sql, org: string, filter: BudgetFilter): Promise<readonly BudgetView[]> {
  const rows = await sql<BudgetRow[]>`
    select b.id, b.agent_id as "agentId", a.name as agent, b.scope, nullif(b.name, '') as name, b.unit, b.period, b.time_zone as "timeZone",
      b.limit_amount::float8 as "limit", b.declared_amount::float8 as "declaredLimit", b.managed_by as "managedBy",
      nullif(w.window_start, '-infinity') as "windowStart", nullif(w.window_end, 'infinity') as "windowEnd",
      coalesce(top.spent, 0)::float8 as spent, coalesce(top.estimated, 0)::float8 as estimated,
      coalesce(top.leased, 0)::float8 as leased,
      greatest(b.limit_amount - coalesce(top.spent, 0), 0)::float8 as remaining,
      case when b.scope in ('user', 'tag') then top.holder end as holder,
      case when b.scope in ('user', 'tag') then (
        select count(*) from (
          select from kavach.budget_windows h where h.budget_id = b.id and h.window_start = w.window_start limit 1000
        ) counted
      )::int else 0 end as holders,
      b.created_at as "createdAt", b.updated_at as "updatedAt"
    from kavach.budgets b
    left join kavach.agents a on a.id = b.agent_id
    cross join lateral private.window_of(b.period, b.time_zone, now()) w
    left join lateral (
      select bw.holder, bw.spent, bw.estimated, bw.leased
      from kavach.budget_windows bw
      where bw.budget_id = b.id and bw.window_start = w.window_start
      order by bw.spent desc
      limit 1
    ) top on true
    where b.org_id = ${org} and ${condition(sql, filter)}
    order by b.id
    ${'limit' in filter ? sql`limit ${filter.limit}` : sql``}`;
  return rows.map(show);
}

function condition(sql: Sql, filter: BudgetFilter): Fragment {
  if ('agentIds' in filter) return sql`b.agent_id = any(${[...filter.agentIds]}::uuid[])`;
  if ('id' in filter) return sql`b.id = ${filter.id}`;
  const { agent, after } = filter;
  return sql`(${agent}::text is null or a.name = ${agent}) and (${after}::uuid is null or b.id > ${after})`;
}

function show({ agentId: _, windowStart, windowEnd, createdAt, updatedAt, ...row }: BudgetRow): BudgetView {
  return {
    ...row,
    windowStart: windowStart?.toISOString() ?? null,
    windowEnd: windowEnd?.toISOString() ?? null,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
