/** `/v1/budgets`: all budgets of an organisation, and the limits that operators set. */
import type { Hono } from 'hono';
import { z } from 'zod';
import { ApiError } from '../_shared/api-error.ts';
import type { Dependencies } from '../_shared/dependencies.ts';
import { readJson } from '../_shared/http.ts';
import { agentIdOf } from '../_operator/agent-id.ts';
import { operatorApp } from '../_operator/app.ts';
import { findBudgets, type BudgetView } from '../_operator/budget-list.ts';
import { noQuery, text } from '../_operator/fields.ts';
import { pageFields, pageOf, toPage } from '../_operator/page.ts';
import { actorOf, idOf, inOrganisation, notFound, readQuery } from '../_operator/request.ts';
import type { Sql } from '../_operator/sql.ts';
import { limitUpdate, newBudget, type NewBudget } from './new-budget.ts';

const listQuery = z.strictObject({ ...pageFields, agent: text(200).optional() });
const budgetKeys = z.uuid();

/**
 * The app of `/budgets`. Limits in the budget's unit: dollars, tokens or calls.
 *
 * - `GET /?limit&cursor&agent` → `Page<BudgetView>`; with `agent` that agent's own budgets only. Scope `read`.
 * - `GET /:id` → `BudgetView`. Scope `read`.
 * - `POST / { scope, agent?, name?, unit?, period, timeZone?, limit }` → 201 `BudgetView`, managed by operators: code can't
 *   change its limit. `agent` is required for the scopes agent, user and tag, `name` for shared. Scope `admin`.
 * - `PATCH /:id { limit }` → `{ id, limit, managedBy }`. Scope `admin`: from then on operators manage the limit. Scope `sdk`
 *   while code manages it, and then code goes on to. Reaches every process.
 * - `POST /:id/release` → `{ id, limit, managedBy }`: hands the limit back to the code, and sets it to what the code declared
 *   last. Scope `admin`. Reaches every process.
 * - `DELETE /:id` → 204, with its figures. An agent that declares it in code makes it anew. Scope `admin`.
 *
 * Errors: 401, 403 `forbidden` and `limit_managed`, 404 `budget_not_found` and `agent_not_found`, 409 `budget_exists` and `not_declared`, 422
 * `invalid`, `invalid_limit` and `invalid_cursor`.
 */
export function handler(deps: Dependencies): Hono {
  const app = operatorApp('/budgets');

  app.get('/', async (c) => {
    const { agent = null, ...paging } = readQuery(c, listQuery);
    const { limit, after } = pageOf(paging, budgetKeys);
    const rows = await inOrganisation(c, deps, 'read', ({ sql, org }) =>
      findBudgets(sql, org, { agent, after, limit: limit + 1 }),
    );
    return c.json(
      toPage(
        rows,
        limit,
        (row) => row,
        (row) => row.id,
      ),
    );
  });

  app.get('/:id', async (c) => {
    readQuery(c, noQuery);
    const id = idOf(c, 'budget');
    return c.json(await inOrganisation(c, deps, 'read', ({ sql, org }) => findBudget(sql, org, id)));
  });

  app.post('/', async (c) => {
    readQuery(c, noQuery);
    const budget = await readJson(c, newBudget, { maxBytes: 4_000 });
    const created = await inOrganisation(c, deps, 'admin', async ({ sql, org }) =>
      findBudget(sql, org, await createBudget(sql, org, budget)),
    );
    return c.json(created, 201);
  });

  app.patch('/:id', async (c) => {
    readQuery(c, noQuery);
    const id = idOf(c, 'budget');
    const { limit } = await readJson(c, limitUpdate, { maxBytes: 1_000 });
    // Who may depends on who manages the budget: the function in the database decides.
    const [row] = await inOrganisation(c, deps, null, async ({ sql, org, caller }) => {
      // A user of several organisations changes the one that the request is about.
      if (caller.kind === 'user') await findBudget(sql, org, id);
      return sql<[{ managedBy: BudgetView['managedBy'] }]>`
        select kavach.set_limit(${id}, ${limit}, ${actorOf(caller)}) ->> 'managedBy' as "managedBy"`;
    });
    return c.json({ id, limit: Number(limit.toFixed(9)), managedBy: row.managedBy });
  });

  app.post('/:id/release', async (c) => {
    readQuery(c, noQuery);
    const id = idOf(c, 'budget');
    const [row] = await inOrganisation(c, deps, 'admin', async ({ sql, org, caller }) => {
      await findBudget(sql, org, id);
      return sql<[{ limit: number }]>`
        select (kavach.release_limit(${id}, ${actorOf(caller)}) ->> 'limit')::float8 as "limit"`;
    });
    return c.json({ id, limit: row.limit, managedBy: 'code' });
  });

  app.delete('/:id', async (c) => {
    readQuery(c, noQuery);
    const id = idOf(c, 'budget');
    await inOrganisation(c, deps, 'admin', async ({ sql, org }) => {
      const gone = await sql`delete from kavach.budgets b where b.org_id = ${org} and b.id = ${id}`;
      if (gone.count === 0) throw notFound('budget');
    });
    return c.body(null, 204);
  });

  return app;
}

async function findBudget(sql: Sql, org: string, id: string): Promise<BudgetView> {
  const [budget] = await findBudgets(sql, org, { id });
  if (budget === undefined) throw notFound('budget');
  return budget;
}

async function createBudget(sql: Sql, org: string, budget: NewBudget): Promise<string> {
  const { scope, agent, name = '', unit, period, timeZone, limit } = budget;
  const agentId = agent === undefined ? null : await agentIdOf(sql, org, agent);
  const [row] = await sql<{ id: string }[]>`
    insert into kavach.budgets (org_id, agent_id, scope, name, unit, period, time_zone, limit_amount)
    values (${org}, ${agentId}, ${scope}, ${name}, ${unit}, ${period}, ${timeZone}, ${limit})
    on conflict do nothing
    returning id`;
  if (row !== undefined) return row.id;
  throw new ApiError(
    409,
    'budget_exists',
    `There is such a budget already (${scope}, ${unit}, ${period}). Change its limit with PATCH /v1/budgets/:id.`,
  );
}
