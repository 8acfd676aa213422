/** Rows as agents leave them behind, written straight into the tables. */
import { randomUUID } from 'node:crypto';
import type { Sql } from 'postgres';

/** An agent. @returns its id */
export async function addAgent(sql: Sql, org: string, name: string): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    insert into kavach.agents (org_id, name) values (${org}, ${name}) returning id`;
  return row!.id;
}

/** A budget of a limit, with what was spent of it in the present window. @returns its id */
export async function addBudget(
  sql: Sql,
  org: string,
  budget: {
    agentId?: string;
    scope?: string;
    name?: string;
    unit?: string;
    period?: string;
    limit: number;
    managedBy?: string;
    spent?: Readonly<Record<string, number>>;
  },
): Promise<string> {
  const {
    agentId = null,
    scope = 'agent',
    name = '',
    unit = 'usd',
    period = 'daily',
    limit,
    managedBy = 'code',
  } = budget;
  const [row] = await sql<{ id: string }[]>`
    insert into kavach.budgets (org_id, agent_id, scope, name, unit, period, limit_amount, declared_amount, managed_by)
    values (${org}, ${agentId}, ${scope}, ${name}, ${unit}, ${period}, ${limit}, ${limit}, ${managedBy}) returning id`;
  for (const [holder, spent] of Object.entries(budget.spent ?? {})) {
    await sql`
      insert into kavach.budget_windows (budget_id, holder, window_start, window_end, spent)
      select ${row!.id}, ${holder}, w.window_start, w.window_end, ${spent}
      from private.window_of(${period}, 'UTC', now()) w`;
  }
  return row!.id;
}

/** A run. @returns its id */
export async function addRun(
  sql: Sql,
  org: string,
  agentId: string,
  run: { runId: string; startedAt: Date; cost?: number },
): Promise<string> {
  const id = randomUUID();
  await sql`
    insert into kavach.runs (id, org_id, agent_id, run_id, started_at, last_event_at, cost, calls, tokens)
    values (${id}, ${org}, ${agentId}, ${run.runId}, ${run.startedAt}, ${run.startedAt}, ${run.cost ?? 0}, 1, 10)`;
  return id;
}

/** A call in a run. @returns its id */
export async function addCall(
  sql: Sql,
  org: string,
  agentId: string,
  call: { run: string; at: Date; cost?: number; prompt?: string },
): Promise<string> {
  const id = randomUUID();
  await sql`
    insert into kavach.events
      (org_id, id, at, started_at, type, agent_id, run, provider, model, cost, tokens, calls, outcome, prompt)
    values (${org}, ${id}, ${call.at}, ${call.at}, 'call', ${agentId}, ${call.run}, 'openai', 'gpt-4o',
      ${call.cost ?? 0.01}, 10, 1, 'completed', ${call.prompt ?? null})`;
  return id;
}
