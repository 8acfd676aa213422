/** Agents as an operator sees them: whether they may run, and how much of their budgets is spent. */
import type { AgentState } from '@agentkavach/core/wire';
import type { Fragment, Sql } from '../_operator/sql.ts';
import { findBudgets, type BudgetView } from '../_operator/budget-list.ts';
import { notFound } from '../_operator/request.ts';
import { findSpentBudgets, type SpentBudget } from './spent-budget.ts';
import { toPage, type Page, type PageRequest } from '../_operator/page.ts';

/** One agent with its own budgets. Shared and org budgets are listed by `/v1/budgets`. */
export interface AgentView {
  readonly id: string;
  readonly name: string;
  readonly killed: boolean;
  /** Rises with each kill and resume. */
  readonly killEpoch: number;
  readonly killReason: string | null;
  /** A user's e-mail, or the first characters of an API key. */
  readonly killedBy: string | null;
  readonly killedAt: string | null;
  readonly firstSeenAt: string;
  /** To five seconds. */
  readonly lastSeenAt: string;
  /** Since when the API key that it called with last is refused: revoked, or rotated and over. `null` while it is valid. */
  readonly keyEndedAt: string | null;
  /** The budget that keeps it from going on; `null` where all have room. */
  readonly spentBudget: SpentBudget | null;
  readonly budgets: readonly BudgetView[];
}

/** One agent with its latest kills and resumes, newest first, 20 at most. */
export interface AgentDetail extends AgentView {
  readonly kills: readonly KillView[];
}

/** A kill or a resume. */
export interface KillView {
  readonly action: 'kill' | 'resume';
  readonly epoch: number;
  readonly reason: AgentState['reason'];
  readonly by: string | null;
  readonly at: string;
}

interface AgentRow extends Omit<
  AgentView,
  'killedAt' | 'firstSeenAt' | 'lastSeenAt' | 'keyEndedAt' | 'spentBudget' | 'budgets'
> {
  readonly killedAt: Date | null;
  readonly keyEndedAt: Date | null;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
}

/** Reads one page of agents by name; `after` is the name before it. */
export async function findAgents(sql: Sql, org: string, page: PageRequest<string>): Promise<Page<AgentView>> {
  const rows = await sql<AgentRow[]>`
    select ${columns(sql)}
    where a.org_id = ${org} and (${page.after}::text is null or a.name > ${page.after})
    order by a.name
    limit ${page.limit + 1}`;
  const shown = rows.slice(0, page.limit);
  const ids = shown.map(({ id }) => id);
  // Sent together: one round trip.
  const [budgets, spent] = await Promise.all([
    ids.length === 0 ? [] : findBudgets(sql, org, { agentIds: ids }),
    ids.length === 0 ? new Map<string, SpentBudget>() : findSpentBudgets(sql, org, ids),
  ]);
  const budgetsOf = Map.groupBy(budgets, (budget) => budget.agent);
  return toPage(
    rows,
    page.limit,
    (row) => show(row, budgetsOf.get(row.name) ?? [], spent.get(row.id)),
    (row) => row.name,
  );
}

/**
 * Reads one agent.
 *
 * @throws ApiError 404 `agent_not_found`
 */
export async function findAgent(sql: Sql, org: string, name: string): Promise<AgentDetail> {
  const [row] = await sql<AgentRow[]>`
    select ${columns(sql)} where a.org_id = ${org} and a.name = ${name}`;
  if (row === undefined) throw notFound('agent');
  const budgets = await findBudgets(sql, org, { agentIds: [row.id] });
  const spent = await findSpentBudgets(sql, org, [row.id]);
  const kills = await sql<(Omit<KillView, 'at'> & { readonly at: Date })[]>`
    select k.action, k.epoch::float8 as epoch, k.reason, k.by_whom as "by", k.at
    from kavach.kills k where k.org_id = ${org} and k.agent_id = ${row.id}
    order by k.at desc, k.epoch desc
    limit 20`;
  return {
    ...show(row, budgets, spent.get(row.id)),
    kills: kills.map((kill) => ({ ...kill, at: kill.at.toISOString() })),
  };
}

/** The columns of an agent, and where they are from. */
function columns(sql: Sql): Fragment {
  return sql`a.id, a.name, a.killed, a.kill_epoch::float8 as "killEpoch", a.kill_reason as "killReason",
    a.killed_by as "killedBy", a.killed_at as "killedAt", a.first_seen_at as "firstSeenAt", a.last_seen_at as "lastSeenAt",
    case when least(k.revoked_at, k.expires_at) <= now() then least(k.revoked_at, k.expires_at) end as "keyEndedAt"
    from kavach.agents a left join kavach.api_keys k on k.org_id = a.org_id and k.id = a.last_key_id`;
}

function show(row: AgentRow, budgets: readonly BudgetView[], spentBudget: SpentBudget | undefined): AgentView {
  return {
    ...row,
    killedAt: row.killedAt?.toISOString() ?? null,
    firstSeenAt: row.firstSeenAt.toISOString(),
    lastSeenAt: row.lastSeenAt.toISOString(),
    keyEndedAt: row.keyEndedAt?.toISOString() ?? null,
    spentBudget: spentBudget ?? null,
    budgets,
  };
}
