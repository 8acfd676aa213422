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
  const step = range.granularity === 'hour' ? '1 hour' : '1 day';
  // Sent together, answered in order: one round trip. The roll-ups are read once: all figures come from two sums of them.
  const [rows, agents] = await Promise.all([
    sql<Row[]>`
      with sums as materialized (
        select s.at, s.agent_id, s.provider, s.model, sum(s.cost) as cost, sum(s.estimated_cost) as estimated_cost,
          sum(s.calls) as calls, sum(s.tokens) as tokens, sum(s.input_tokens) as input_tokens, sum(s.output_tokens) as output_tokens
        from (${rollup(sql, org, range)}) s
        group by grouping sets ((s.at), (s.agent_id, s.provider, s.model))
      )
      select 'total' as kind, null::timestamptz as at, null::text as agent, null::text as provider, null::text as model, ${figures(sql)}
      from sums s where s.at is not null
      union all
      (select 'bucket', t.at, null, null, null, ${figures(sql)}
      from generate_series(${range.from}::timestamptz, ${range.to}::timestamptz - interval '1 second', ${step}::interval) t(at)
      left join sums s on s.at = t.at
      group by t.at order by t.at)
      union all
      (select 'agent', null, a.name, null, null, ${figures(sql)}
      from sums s join kavach.agents a on a.id = s.agent_id
      group by a.name order by sum(s.cost) desc, a.name limit ${LISTED})
      union all
      (select 'model', null, null, s.provider, s.model, ${figures(sql)}
      from sums s where s.at is null
      group by s.provider, s.model order by sum(s.cost) desc, s.provider, s.model limit ${LISTED})`,
    sql<{ total: number; active: number; killed: number }[]>`
      select count(*)::int as total, count(*) filter (where a.killed)::int as killed,
        (select count(distinct s.agent_id)::int from (${rollup(sql, org, range)}) s) as active
      from kavach.agents a where a.org_id = ${org}`,
  ]);
  const of = (kind: Row['kind']): Row[] => rows.filter((row) => row.kind === kind);
  // The parts of a union come in no order that is promised.
  const dearest = (kind: Row['kind']): Row[] => of(kind).sort((a, b) => b.cost - a.cost);
  const total = spendOf(of('total')[0]);
  return {
    from: range.from.toISOString(),
    to: range.to.toISOString(),
    granularity: range.granularity,
    totals: { ...total, estimatedShare: total.cost > 0 ? total.estimatedCost / total.cost : 0 },
    series: of('bucket')
      .sort((a, b) => Number(a.at) - Number(b.at))
      .map((row) => ({ at: row.at?.toISOString() ?? '', ...spendOf(row) })),
    byAgent: dearest('agent').map((row) => ({ agent: row.agent ?? '', ...spendOf(row) })),
    byModel: dearest('model').map((row) => ({ provider: row.provider ?? '', model: row.model ?? '', ...spendOf(row) })),
    agents: agents[0] ?? { total: 0, active: 0, killed: 0 },
  };
}

/** One line of the answer. Of the names those are there that its kind has. */
interface Row extends Spend {
  readonly kind: 'total' | 'bucket' | 'agent' | 'model';
  readonly at: Date | null;
  readonly agent: string | null;
  readonly provider: string | null;
  readonly model: string | null;
}

function spendOf(row: Spend = NOTHING): Spend {
  const { cost, estimatedCost, calls, tokens, inputTokens, outputTokens } = row;
  return { cost, estimatedCost, calls, tokens, inputTokens, outputTokens };
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
