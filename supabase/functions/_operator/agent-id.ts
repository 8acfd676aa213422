/** Agents by name: what paths and bodies call them. */
import { notFound } from './request.ts';
import type { Sql } from './sql.ts';

/**
 * An agent's id.
 *
 * @throws ApiError 404 `agent_not_found`
 */
export async function agentIdOf(sql: Sql, org: string, name: string): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    select a.id from kavach.agents a where a.org_id = ${org} and a.name = ${name}`;
  if (row === undefined) throw notFound('agent');
  return row.id;
}
