/** What was told, what is about to be, and what could not be told. */
import { z } from 'zod';
import { sortMoment } from '../_operator/fields.ts';
import { toPage, type Page, type PageRequest } from '../_operator/page.ts';
import type { Sql } from '../_operator/sql.ts';

/** Where an alert stands. `skipped`: nobody was to be told, or the same was told a moment before. */
export const ALERT_STATES = ['pending', 'sent', 'failed', 'skipped'] as const;

/** One crossing of a threshold. Amounts in the budget's unit. */
export interface AlertView {
  readonly id: string;
  /** `null` for shared and organisation budgets. */
  readonly agent: string | null;
  /** The budget's id. */
  readonly budget: string;
  readonly unit: 'usd' | 'tokens' | 'calls';
  readonly period: string;
  /** The user or tag whose account it was; `null` for budgets with one account. */
  readonly holder: string | null;
  /** `null` for `total`. */
  readonly windowStart: string | null;
  readonly threshold: number;
  readonly spent: number;
  readonly limit: number;
  readonly state: (typeof ALERT_STATES)[number];
  readonly attempts: number;
  /** How each rule that asked for it fared, so far. */
  readonly deliveries: readonly DeliveryView[];
  /** While it is pending. */
  readonly nextAttemptAt: string | null;
  readonly createdAt: string;
}

/** What became of an alert by one rule: `deliveredAt`, or the latest error. */
export interface DeliveryView {
  /** The rule's id; it may be deleted since. */
  readonly rule: string;
  readonly deliveredAt: string | null;
  readonly error: string | null;
}

interface AlertRow extends Omit<AlertView, 'windowStart' | 'nextAttemptAt' | 'createdAt' | 'deliveries'> {
  readonly deliveries: Readonly<Record<string, { readonly deliveredAt?: string; readonly error?: string }>>;
  readonly windowStart: Date | null;
  readonly nextAttemptAt: Date | null;
  readonly createdAt: Date;
  readonly sortAt: string;
}

/** The sort keys of the history. */
export const alertKeys = z.tuple([sortMoment, z.string().regex(/^\d{1,18}$/)]);

/** Reads one page of the history, newest first. */
export async function findAlerts(
  sql: Sql,
  org: string,
  filter: { readonly agent: string | null; readonly state: string | null },
  page: PageRequest<z.infer<typeof alertKeys>>,
): Promise<Page<AlertView>> {
  const [at, id] = page.after ?? [null, null];
  const rows = await sql<AlertRow[]>`
    select e.id::text, a.name as agent, e.budget_id as budget, b.unit, b.period, nullif(e.holder, '') as holder,
      nullif(e.window_start, '-infinity') as "windowStart", e.threshold::float8 as threshold, e.spent::float8 as spent,
      e.limit_amount::float8 as "limit", e.state, e.attempts, e.deliveries,
      case when e.state = 'pending' then e.next_attempt_at end as "nextAttemptAt", e.created_at as "createdAt",
      to_char(e.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "sortAt"
    from kavach.alert_events e
    left join kavach.agents a on a.id = e.agent_id
    join kavach.budgets b on b.id = e.budget_id
    where e.org_id = ${org}
      and (${filter.agent}::text is null or a.name = ${filter.agent})
      and (${filter.state}::text is null or e.state = ${filter.state})
      and (${at}::timestamptz is null or (e.created_at, e.id) < (${at}, ${id}::bigint))
    order by e.created_at desc, e.id desc
    limit ${page.limit + 1}`;
  return toPage(rows, page.limit, show, (row) => [row.sortAt, row.id]);
}

function show({ sortAt: _, deliveries, windowStart, nextAttemptAt, createdAt, ...row }: AlertRow): AlertView {
  return {
    ...row,
    deliveries: Object.entries(deliveries).map(([rule, { deliveredAt, error }]) => ({
      rule,
      deliveredAt: deliveredAt === undefined ? null : new Date(deliveredAt).toISOString(),
      error: error ?? null,
    })),
    windowStart: windowStart?.toISOString() ?? null,
    nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
    createdAt: createdAt.toISOString(),
  };
}
