/** `/v1/alerts`: the rules by which thresholds are told to people, and what was told. */
import type { Hono } from 'hono';
import { z } from 'zod';
import { ApiError } from '../_shared/api-error.ts';
import type { Dependencies } from '../_shared/dependencies.ts';
import { faultLine, faultsOf } from '../_shared/faults.ts';
import { readJson } from '../_shared/http.ts';
import { operatorApp } from '../_operator/app.ts';
import { noQuery, text } from '../_operator/fields.ts';
import { pageFields, pageOf } from '../_operator/page.ts';
import { idOf, inOrganisation, notFound, readQuery } from '../_operator/request.ts';
import { alertKeys, ALERT_STATES, findAlerts } from './history.ts';
import { createRule, findRule, findRules, newRule, ruleKeys, ruleUpdate, updateRule } from './rule.ts';
import { targetOf, type Channel } from './target.ts';

const pageQuery = z.strictObject(pageFields);
const historyQuery = z.strictObject({
  ...pageFields,
  agent: text(200).optional(),
  state: z.enum(ALERT_STATES).optional(),
});
const MAX_RULE = { maxBytes: 16_000 };

/**
 * The app of `/alerts`.
 *
 * - `GET /rules?limit&cursor` → `Page<RuleView>`, newest first; `GET /rules/:id` → `RuleView`. Scope `read`.
 * - `POST /rules { channel, target, threshold, agent?, budget?, template?, cooldownSeconds?, enabled? }` → 201 `RuleView`.
 *   Targets: slack `{ webhookUrl }`, pagerduty `{ routingKey }`, email `{ to }`, webhook `{ url, secret? }`, kill `{}`. Scope `admin`.
 * - `PATCH /rules/:id { target?, threshold?, template?, cooldownSeconds?, enabled? }` → `RuleView`. A target is replaced as
 *   a whole. Scope `admin`.
 * - `DELETE /rules/:id` → 204. Scope `admin`.
 * - `GET /history?limit&cursor&agent&state` → `Page<AlertView>`, newest first; 30 days are kept. Scope `read`.
 *
 * Errors: 401, 403 `forbidden`, 404 `rule_not_found`, `agent_not_found` and `budget_not_found`, 422 `invalid` and `invalid_cursor`.
 */
export function handler(deps: Dependencies): Hono {
  const app = operatorApp('/alerts');
  const targets = targetOf(isLoopback(deps.settings.supabaseUrl));

  app.get('/rules', async (c) => {
    const page = pageOf(readQuery(c, pageQuery), ruleKeys);
    return c.json(await inOrganisation(c, deps, 'read', ({ sql, org }) => findRules(sql, org, page)));
  });

  app.get('/rules/:id', async (c) => {
    readQuery(c, noQuery);
    const id = idOf(c, 'rule');
    return c.json(await inOrganisation(c, deps, 'read', ({ sql, org }) => findRule(sql, org, id)));
  });

  app.post('/rules', async (c) => {
    readQuery(c, noQuery);
    const rule = await readJson(c, newRule, MAX_RULE);
    const target = checkTarget(targets, rule.channel, rule.target ?? {});
    const created = await inOrganisation(c, deps, 'admin', async ({ sql, org }) =>
      findRule(sql, org, await createRule(sql, org, rule, target)),
    );
    return c.json(created, 201);
  });

  app.patch('/rules/:id', async (c) => {
    readQuery(c, noQuery);
    const id = idOf(c, 'rule');
    const change = await readJson(c, ruleUpdate, MAX_RULE);
    const changed = await inOrganisation(c, deps, 'admin', async ({ sql, org }) => {
      const { channel } = await findRule(sql, org, id);
      const target = change.target === undefined ? undefined : checkTarget(targets, channel, change.target);
      await updateRule(sql, org, id, change, target);
      return findRule(sql, org, id);
    });
    return c.json(changed);
  });

  app.delete('/rules/:id', async (c) => {
    readQuery(c, noQuery);
    const id = idOf(c, 'rule');
    await inOrganisation(c, deps, 'admin', async ({ sql, org }) => {
      const gone = await sql`delete from kavach.alert_rules r where r.org_id = ${org} and r.id = ${id}`;
      if (gone.count === 0) throw notFound('rule');
    });
    return c.body(null, 204);
  });

  app.get('/history', async (c) => {
    const { agent = null, state = null, ...paging } = readQuery(c, historyQuery);
    const page = pageOf(paging, alertKeys);
    return c.json(
      await inOrganisation(c, deps, 'read', ({ sql, org }) => findAlerts(sql, org, { agent, state }, page)),
    );
  });

  return app;
}

function checkTarget(targets: Record<Channel, z.ZodType>, channel: Channel, target: unknown): unknown {
  const result = targets[channel].safeParse(target);
  if (result.success) return result.data;
  const details = faultsOf(result.error).map((fault) => ({
    ...fault,
    path: fault.path === '' ? 'target' : `target.${fault.path}`,
  }));
  const [first] = details;
  throw new ApiError(
    422,
    'invalid',
    `The target is not right for the channel ${channel}. ${first === undefined ? '' : faultLine(first)}`,
    details,
  );
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}
