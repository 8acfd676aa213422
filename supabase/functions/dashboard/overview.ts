/** Spend over time, by agent and by model, from the hourly and daily roll-ups. */
import type { Fragment, Sql } from '../_operator/sql.ts';
import type { Range } from './range.ts';

/** How many agents and models are listed; the totals have them all. */
const LISTED = 100;

/** Figures of some spend. Money in dollars. */
export interface Spend {
  readonly cost: number;
  /** The part of `cost` that is an estimate. */
  readonly estimatedCost: number;
  readonly calls: number;
  readonly tokens: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** `GET /v1/dashboard/overview` */
export interface Overview {
  readonly from: string;
  /** Exclusive. */
  readonly to: string;
  readonly granularity: 'hour' | 'day';
  /** `estimatedShare`: `estimatedCost / cost`, from 0 to 1; 0 where nothing was spent. */
  readonly totals: Spend & { readonly estimatedShare: number };
  /** One entry for each bucket, also where nothing was spent. */
  readonly series: readonly (Spend & { readonly at: string })[];
  /** The 100 that spent the most. */
  readonly byAgent: readonly (Spend & { readonly agent: string })[];
  readonly byModel: readonly (Spend & { readonly provider: string; readonly model: string })[];
  /** `active`: with spend in the range. `killed`: now. */
  readonly agents: { readonly total: number; readonly active: number; readonly killed: number };
}

/** Reads an overview. */
export async function overview(sql: Sql, org: string, range: Range): Promise<Overview> {
  const rolled = rollup(sql, org, range);
  const step = range.granularity === 'hour' ? '1 hour' : '1 day';
  // Sent together, answered in order: one round trip.
  const [totals, series, byAgent, byModel, agents] = await Promise.all([
    sql<Spend[]>`select ${figures(sql)} from (${rolled}) s`,
    sql<(Spend & { at: Date })[]>`
      select t.at, ${figures(sql)}
      from generate_series(${range.from}::timestamptz, ${range.to}::timestamptz - interval '1 second', ${step}::interval) t(at)
      left join (${rolled}) s on s.at = t.at
      group by t.at order by t.at`,
    sql<(Spend & { agent: string })[]>`
      select a.name as agent, ${figures(sql)} from (${rolled}) s join kavach.agents a on a.id = s.agent_id
      group by a.name order by sum(s.cost) desc, a.name limit ${LISTED}`,
    sql<(Spend & { provider: string; model: string })[]>`
      select s.provider, s.model, ${figures(sql)} from (${rolled}) s
      group by s.provider, s.model order by sum(s.cost) desc, s.provider, s.model limit ${LISTED}`,
    sql<{ total: number; active: number; killed: number }[]>`
      select count(*)::int as total, count(*) filter (where a.killed)::int as killed,
        (select count(distinct s.agent_id)::int from (${rolled}) s) as active
      from kavach.agents a where a.org_id = ${org}`,
  ]);
  const total = totals[0] ?? NOTHING;
  return {
    from: range.from.toISOString(),
    to: range.to.toISOString(),
    granularity: range.granularity,
    totals: { ...total, estimatedShare: total.cost > 0 ? total.estimatedCost / total.cost : 0 },
    series: series.map(({ at, ...spend }) => ({ at: at.toISOString(), ...spend })),
    byAgent,
    byModel,
    agents: agents[0] ?? { total: 0, active: 0, killed: 0 },
  };
}

const NOTHING: Spend = { cost: 0, estimatedCost: 0, calls: 0, tokens: 0, inputTokens: 0, outputTokens: 0 };

function rollup(sql: Sql, org: string, { from, to, granularity }: Range): Fragment {
  return sql`
    select r.bucket::timestamptz as at, r.agent_id, r.provider, r.model, r.cost, r.estimated_cost, r.calls, r.tokens,
      r.input_tokens, r.output_tokens
    from ${granularity === 'hour' ? sql`kavach.hourly_spend` : sql`kavach.daily_spend`} r
    where r.org_id = ${org} and r.bucket >= ${from} and r.bucket < ${to}`;
}

function figures(sql: Sql): Fragment {
  return sql`
    coalesce(sum(s.cost), 0)::float8 as cost, coalesce(sum(s.estimated_cost), 0)::float8 as "estimatedCost",
    coalesce(sum(s.calls), 0)::float8 as calls, coalesce(sum(s.tokens), 0)::float8 as tokens,
    coalesce(sum(s.input_tokens), 0)::float8 as "inputTokens", coalesce(sum(s.output_tokens), 0)::float8 as "outputTokens"`;
}
