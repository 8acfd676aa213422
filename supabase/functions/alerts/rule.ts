/** Alert rules: what requests for them look like, and how they are kept. */
import { z } from 'zod';
import { ApiError } from '../_shared/api-error.ts';
import { agentIdOf } from '../_operator/agent-id.ts';
import { isStorableJson, sortMoment, text } from '../_operator/fields.ts';
import { toPage, type Page, type PageRequest } from '../_operator/page.ts';
import { notFound } from '../_operator/request.ts';
import type { Fragment, Sql } from '../_operator/sql.ts';
import { CHANNELS, type Channel } from './target.ts';

/** One alert rule. */
export interface RuleView {
  readonly id: string;
  /** The agent's name; `null`: every agent. */
  readonly agent: string | null;
  /** The budget's id; `null`: every budget of these agents. */
  readonly budget: string | null;
  /** The share of the limit at which it fires: 0.7 is 70 %. */
  readonly threshold: number;
  readonly channel: Channel;
  /** What was written, with every secret cut to `…` and its last four characters. */
  readonly target: Readonly<Record<string, unknown>>;
  readonly template: Template | null;
  /** Seconds in which the same threshold is told once. */
  readonly cooldownSeconds: number;
  readonly enabled: boolean;
  readonly createdAt: string;
}

interface RuleRow extends Omit<RuleView, 'createdAt'> {
  readonly createdAt: Date;
  readonly sortAt: string;
}

const template = z
  .union([text(4_000), z.record(z.string(), z.unknown())])
  .refine(
    (value) => isStorableJson(value) && JSON.stringify(value).length <= 8_000,
    'must be well-formed text without NUL, at most 20 levels deep, and at most 8,000 characters as JSON',
  );
type Template = z.infer<typeof template>;

const settings = {
  threshold: z.number().min(0.01).max(1),
  template: template.nullable(),
  cooldownSeconds: z.int().min(0).max(86_400),
  enabled: z.boolean(),
};

/** The body of `POST /alerts/rules`. The target is checked by its channel. */
export const newRule = z.strictObject({
  agent: text(200).nullable().default(null),
  budget: z.uuid().nullable().default(null),
  channel: z.enum(CHANNELS),
  target: z.unknown().optional(),
  threshold: settings.threshold,
  template: settings.template.default(null),
  cooldownSeconds: settings.cooldownSeconds.default(300),
  enabled: settings.enabled.default(true),
});

/** The body of `PATCH /alerts/rules/:id`: what is left out stays. */
export const ruleUpdate = z
  .strictObject({
    target: z.unknown().optional(),
    threshold: settings.threshold.optional(),
    template: settings.template.optional(),
    cooldownSeconds: settings.cooldownSeconds.optional(),
    enabled: settings.enabled.optional(),
  })
  .refine((fields) => Object.values(fields).some((value) => value !== undefined), 'names nothing to change');

/** The sort keys of the rule list. */
export const ruleKeys = z.tuple([sortMoment, z.uuid()]);

/** Reads one page of rules, newest first. */
export async function findRules(
  sql: Sql,
  org: string,
  page: PageRequest<z.infer<typeof ruleKeys>>,
): Promise<Page<RuleView>> {
  const [at, id] = page.after ?? [null, null];
  const rows = await sql<RuleRow[]>`
    select ${columns(sql)} from kavach.alert_rules r left join kavach.agents a on a.id = r.agent_id
    where r.org_id = ${org} and (${at}::timestamptz is null or (r.created_at, r.id) < (${at}, ${id}::uuid))
    order by r.created_at desc, r.id desc
    limit ${page.limit + 1}`;
  return toPage(rows, page.limit, show, (row) => [row.sortAt, row.id]);
}

/**
 * Reads one rule.
 *
 * @throws ApiError 404 `rule_not_found`
 */
export async function findRule(sql: Sql, org: string, id: string): Promise<RuleView> {
  const [row] = await sql<RuleRow[]>`
    select ${columns(sql)} from kavach.alert_rules r left join kavach.agents a on a.id = r.agent_id
    where r.org_id = ${org} and r.id = ${id}`;
  if (row === undefined) throw notFound('rule');
  return show(row);
}

/**
 * Stores a rule whose target was checked.
 *
 * @returns its id
 * @throws ApiError 404 `agent_not_found` and `budget_not_found`
 */
export async function createRule(
  sql: Sql,
  org: string,
  rule: z.infer<typeof newRule>,
  target: unknown,
): Promise<string> {
  const agentId = rule.agent === null ? null : await agentIdOf(sql, org, rule.agent);
  if (rule.budget !== null) await requireBudget(sql, org, rule.budget, agentId);
  const [row] = await sql<{ id: string }[]>`
    insert into kavach.alert_rules
      (org_id, agent_id, budget_id, threshold, channel, target, template, cooldown_seconds, enabled)
    values (${org}, ${agentId}, ${rule.budget}, ${rule.threshold}, ${rule.channel}, ${json(target)}::text::jsonb,
      ${json(rule.template)}::text::jsonb, ${rule.cooldownSeconds}, ${rule.enabled})
    returning id`;
  return row?.id ?? '';
}

/** Changes a rule whose target, if it is given, was checked. */
export async function updateRule(
  sql: Sql,
  org: string,
  id: string,
  change: z.infer<typeof ruleUpdate>,
  target: unknown,
): Promise<void> {
  const { threshold, template: text, cooldownSeconds, enabled } = change;
  const sets: Fragment[] = [];
  if (target !== undefined) sets.push(sql`target = ${json(target)}::text::jsonb`);
  if (threshold !== undefined) sets.push(sql`threshold = ${threshold}`);
  if (text !== undefined) sets.push(sql`template = ${json(text)}::text::jsonb`);
  if (cooldownSeconds !== undefined) sets.push(sql`cooldown_seconds = ${cooldownSeconds}`);
  if (enabled !== undefined) sets.push(sql`enabled = ${enabled}`);
  const all = sets.reduce((list, next) => sql`${list}, ${next}`);
  await sql`update kavach.alert_rules set ${all} where org_id = ${org} and id = ${id}`;
}

async function requireBudget(sql: Sql, org: string, id: string, agentId: string | null): Promise<void> {
  const [row] = await sql<{ agentId: string | null }[]>`
    select b.agent_id as "agentId" from kavach.budgets b where b.org_id = ${org} and b.id = ${id}`;
  if (row === undefined) throw notFound('budget');
  if (agentId !== null && row.agentId !== null && row.agentId !== agentId) {
    throw new ApiError(
      422,
      'invalid',
      'The budget belongs to another agent than the rule names. Name one of the two.',
      [{ path: 'budget', message: 'belongs to another agent' }],
    );
  }
}

/** JSON as text: the driver would guess the type of a bare value. */
function json(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

function columns(sql: Sql): Fragment {
  return sql`r.id, a.name as agent, r.budget_id as budget, r.threshold::float8 as threshold, r.channel,
    r.target_hint as target, r.template, r.cooldown_seconds as "cooldownSeconds", r.enabled, r.created_at as "createdAt",
    to_char(r.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "sortAt"`;
}

function show({ sortAt: _, createdAt, ...row }: RuleRow): RuleView {
  return { ...row, createdAt: createdAt.toISOString() };
}
