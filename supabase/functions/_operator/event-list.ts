/** Events as an operator sees them: what an agent did, or what happened in one run. */
import { z } from 'zod';
import { sortMoment } from './fields.ts';
import type { Fragment, Sql } from './sql.ts';
import { toPage, type Page, type PageRequest } from './page.ts';

/** One event. Money in dollars. */
export interface EventView {
  readonly id: string;
  readonly type: 'call' | 'charge' | 'denied' | 'kill' | 'resume';
  /** When it was over. */
  readonly at: string;
  readonly startedAt: string;
  readonly receivedAt: string;
  /** The run's id here, for `GET /v1/runs/:id`, and as the agent calls it. */
  readonly run: string;
  readonly runId: string;
  readonly user: string | null;
  readonly tags: readonly string[];
  /** `charge` for money outside a call. */
  readonly provider: string | null;
  /** The model of a call, the name of a charge. */
  readonly model: string | null;
  readonly cost: number;
  readonly tokens: number;
  readonly calls: number;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly toolCalls: number | null;
  readonly outcome: string | null;
  readonly estimated: boolean;
  /** Of a refusal: the error's code. Of a kill: its reason. */
  readonly code: string | null;
  readonly message: string | null;
  /** The prompt's first characters where the agent saves prompts, else `null`. */
  readonly prompt: string | null;
}

interface EventRow extends Omit<EventView, 'at' | 'startedAt' | 'receivedAt'> {
  readonly at: Date;
  readonly startedAt: Date;
  readonly receivedAt: Date;
  readonly sortAt: string;
}

/** The sort keys of an event list: the moment to the microsecond, and the id. */
export const eventKeys = z.tuple([sortMoment, z.uuid()]);
export type EventKeys = z.infer<typeof eventKeys>;

/** Which events, within one organisation. `agentId`: newest first. `runId`: in the order in which they happened. */
export type EventFilter =
  | {
      readonly agentId: string;
      readonly type: string | undefined;
      readonly from: Date | undefined;
      readonly to: Date | undefined;
    }
  | { readonly runId: string };

/** Reads one page of events. Events are kept for 30 days. */
export async function findEvents(
  sql: Sql,
  org: string,
  filter: EventFilter,
  page: PageRequest<EventKeys>,
): Promise<Page<EventView>> {
  const newestFirst = 'agentId' in filter;
  const [at, id] = page.after ?? [null, null];
  const rows = await sql<EventRow[]>`
    select e.id, e.type, e.at, e.started_at as "startedAt", e.received_at as "receivedAt",
      to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "sortAt",
      e.run, r.run_id as "runId", e.user_name as "user", coalesce(e.tags, '{}') as tags, e.provider, e.model,
      e.cost::float8 as cost, e.tokens::float8 as tokens, e.calls::float8 as calls,
      e.input_tokens::float8 as "inputTokens", e.output_tokens::float8 as "outputTokens",
      e.tool_calls::float8 as "toolCalls", e.outcome, e.estimated, e.code, e.message, e.prompt
    from kavach.events e
    left join kavach.runs r on r.id = e.run
    where e.org_id = ${org} and ${condition(sql, filter)}
      and (${at}::timestamptz is null or ${newestFirst ? sql`(e.at, e.id) < (${at}, ${id}::uuid)` : sql`(e.at, e.id) > (${at}, ${id}::uuid)`})
    order by ${newestFirst ? sql`e.at desc, e.id desc` : sql`e.at, e.id`}
    limit ${page.limit + 1}`;
  return toPage(rows, page.limit, show, (row) => [row.sortAt, row.id]);
}

function condition(sql: Sql, filter: EventFilter): Fragment {
  if ('runId' in filter) return sql`e.run = ${filter.runId}`;
  const { agentId, type, from, to } = filter;
  return sql`e.agent_id = ${agentId} and (${type ?? null}::text is null or e.type = ${type ?? null})
    and (${from ?? null}::timestamptz is null or e.at >= ${from ?? null})
    and (${to ?? null}::timestamptz is null or e.at < ${to ?? null})`;
}

function show({ sortAt: _, at, startedAt, receivedAt, ...row }: EventRow): EventView {
  return {
    ...row,
    at: at.toISOString(),
    startedAt: startedAt.toISOString(),
    receivedAt: receivedAt.toISOString(),
  };
}
