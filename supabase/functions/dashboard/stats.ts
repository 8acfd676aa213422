/** What an organisation has, uses and may use. */
import type { Sql } from '../_operator/sql.ts';

/** `GET /v1/dashboard/stats`. Money in dollars. */
export interface Stats {
  readonly organisation: { readonly id: string; readonly name: string; readonly plan: string };
  readonly agents: { readonly total: number; readonly killed: number; readonly limit: number | null };
  /** Since the organisation exists. */
  readonly spend: { readonly cost: number; readonly calls: number; readonly tokens: number };
  /** Of this UTC day. `limit` is the plan's; `null`: none. */
  readonly events: { readonly today: number; readonly limit: number | null };
  /** Slices of shared budgets that processes hold now. */
  readonly leases: { readonly open: number };
  /** Events that were refused, of the last 30 days. */
  readonly deadLetters: { readonly total: number; readonly lastAt: string | null };
}

interface StatsRow {
  readonly id: string;
  readonly name: string;
  readonly plan: string;
  readonly maxAgents: number | null;
  readonly maxEvents: number | null;
  readonly agents: number;
  readonly killed: number;
  readonly cost: number;
  readonly calls: number;
  readonly tokens: number;
  readonly events: number;
  readonly leases: number;
  readonly deadLetters: number;
  readonly lastDeadLetter: Date | null;
}

/** Reads the figures. */
export async function stats(sql: Sql, org: string): Promise<Stats> {
  const [row] = await sql<[StatsRow]>`
    select o.id, o.name, o.plan_id as plan, p.max_agents as "maxAgents", p.max_events_per_day::float8 as "maxEvents",
      agents.total as agents, agents.killed, spend.cost, spend.calls, spend.tokens,
      private.events_today(o.id)::float8 as events,
      (select count(*)::int from kavach.leases l where l.org_id = o.id and l.state = 'open') as leases,
      letters.total as "deadLetters", letters.last_at as "lastDeadLetter"
    from kavach.organizations o
    join kavach.plans p on p.id = o.plan_id
    cross join lateral (
      select count(*)::int as total, count(*) filter (where a.killed)::int as killed
      from kavach.agents a where a.org_id = o.id
    ) agents
    cross join lateral (
      select coalesce(sum(d.cost), 0)::float8 as cost, coalesce(sum(d.calls), 0)::float8 as calls,
        coalesce(sum(d.tokens), 0)::float8 as tokens
      from kavach.daily_spend d where d.org_id = o.id
    ) spend
    cross join lateral (
      select count(*)::int as total, max(l.received_at) as last_at
      from kavach.dead_letters l where l.org_id = o.id and l.received_at > now() - interval '30 days'
    ) letters
    where o.id = ${org}`;
  return {
    organisation: { id: row.id, name: row.name, plan: row.plan },
    agents: { total: row.agents, killed: row.killed, limit: row.maxAgents },
    spend: { cost: row.cost, calls: row.calls, tokens: row.tokens },
    events: { today: row.events, limit: row.maxEvents },
    leases: { open: row.leases },
    deadLetters: { total: row.deadLetters, lastAt: row.lastDeadLetter?.toISOString() ?? null },
  };
}
