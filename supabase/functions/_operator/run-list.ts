/** Runs as an operator sees them: one execution of an agent with what it cost. */
import { z } from 'zod';
import { sortMoment } from './fields.ts';
import type { Fragment, Sql } from './sql.ts';
import { toPage, type Page, type PageRequest } from './page.ts';

/** One run. Money in dollars. */
export interface RunView {
  /** The id here; `runId` is the agent's own name for it. */
  readonly id: string;
  readonly runId: string;
  readonly agent: string;
  readonly startedAt: string;
  readonly lastEventAt: string;
  readonly user: string | null;
  readonly tags: readonly string[];
  readonly cost: number;
  readonly tokens: number;
  readonly calls: number;
  readonly toolCalls: number;
  /** Calls that a budget or guardrail refused. */
  readonly denied: number;
}

interface RunRow extends Omit<RunView, 'startedAt' | 'lastEventAt'> {
  readonly startedAt: Date;
  readonly lastEventAt: Date;
  readonly sortAt: string;
}

/** The sort keys of a run list: the start to the microsecond, and the id. */
export const runKeys = z.tuple([sortMoment, z.uuid()]);
export type RunKeys = z.infer<typeof runKeys>;

/** Reads one page of an agent's runs, newest first. */
export async function findRuns(
  sql: Sql,
  org: string,
  agentId: string,
  page: PageRequest<RunKeys>,
): Promise<Page<RunView>> {
  const [at, id] = page.after ?? [null, null];
  const rows = await sql<RunRow[]>`
    select ${columns(sql)} from kavach.runs r join kavach.agents a on a.id = r.agent_id
    where r.org_id = ${org} and r.agent_id = ${agentId}
      and (${at}::timestamptz is null or (r.started_at, r.id) < (${at}, ${id}::uuid))
    order by r.started_at desc, r.id desc
    limit ${page.limit + 1}`;
  return toPage(rows, page.limit, show, (row) => [row.sortAt, row.id]);
}

/** Reads one run; `undefined` where the organisation has none of this id. */
export async function findRun(sql: Sql, org: string, id: string): Promise<RunView | undefined> {
  const [row] = await sql<RunRow[]>`
    select ${columns(sql)} from kavach.runs r join kavach.agents a on a.id = r.agent_id
    where r.org_id = ${org} and r.id = ${id}`;
  return row === undefined ? undefined : show(row);
}

function columns(sql: Sql): Fragment {
  return sql`r.id, r.run_id as "runId", a.name as agent, r.started_at as "startedAt", r.last_event_at as "lastEventAt",
    to_char(r.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "sortAt",
    r.user_name as "user", r.tags, r.cost::float8 as cost, r.tokens::float8 as tokens,
    r.calls::float8 as calls, r.tool_calls::float8 as "toolCalls", r.denied::float8 as denied`;
}

function show({ sortAt: _, startedAt, lastEventAt, ...row }: RunRow): RunView {
  return { ...row, startedAt: startedAt.toISOString(), lastEventAt: lastEventAt.toISOString() };
}
