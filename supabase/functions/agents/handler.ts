/** `/v1/agents`: the agents of an organisation, what they did, and the Stop button. */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { AgentChange } from '@agentkavach/core/wire';
import type { Dependencies } from '../_shared/dependencies.ts';
import { agentIdOf } from '../_operator/agent-id.ts';
import { operatorApp } from '../_operator/app.ts';
import { eventKeys, findEvents } from '../_operator/event-list.ts';
import { pageFields, pageOf } from '../_operator/page.ts';
import { instant, noQuery, text } from '../_operator/fields.ts';
import { actorOf, agentNameOf, inOrganisation, readOptionalJson, readQuery } from '../_operator/request.ts';
import { findRuns, runKeys } from '../_operator/run-list.ts';
import { findAgent, findAgents } from './agent-list.ts';

const REASONS = [
  'manual',
  'cost',
  'tokens',
  'calls',
  'tools',
  'duration',
  'loop',
  'velocity',
] as const satisfies readonly AgentChange['reason'][];

const pageQuery = z.strictObject(pageFields);
const eventQuery = z.strictObject({
  ...pageFields,
  type: z.enum(['call', 'charge', 'denied', 'kill', 'resume']).optional(),
  from: instant.optional(),
  to: instant.optional(),
});
const killBody = z.strictObject({ reason: z.enum(REASONS).default('manual') });
const agentKeys = text(200);

/**
 * The app of `/agents`.
 *
 * - `GET /?limit&cursor` → `Page<AgentView>` by name. Scope `read`, as all that follow but kill and resume.
 * - `GET /:name` → `AgentDetail`
 * - `GET /:name/runs?limit&cursor` → `Page<RunView>`, newest first
 * - `GET /:name/events?limit&cursor&type&from&to` → `Page<EventView>`, newest first; `from` inclusive, `to` exclusive
 * - `POST /:name/kill { reason? }` → `AgentChange`; reason is a `KillReason`, default `manual`. Scope `control`. The body may be empty.
 * - `POST /:name/resume` → `AgentChange`. Scope `control`.
 *
 * Errors: 401, 403 `forbidden`, 404 `agent_not_found`, 422 `invalid` and `invalid_cursor`.
 */
export function handler(deps: Dependencies): Hono {
  const app = operatorApp('/agents');

  app.get('/', async (c) => {
    const page = pageOf(readQuery(c, pageQuery), agentKeys);
    return c.json(await inOrganisation(c, deps, 'read', ({ sql, org }) => findAgents(sql, org, page)));
  });

  app.get('/:name', async (c) => {
    readQuery(c, noQuery);
    const name = agentNameOf(c);
    return c.json(await inOrganisation(c, deps, 'read', ({ sql, org }) => findAgent(sql, org, name)));
  });

  app.get('/:name/runs', async (c) => {
    const page = pageOf(readQuery(c, pageQuery), runKeys);
    const name = agentNameOf(c);
    const runs = await inOrganisation(c, deps, 'read', async ({ sql, org }) =>
      findRuns(sql, org, await agentIdOf(sql, org, name), page),
    );
    return c.json(runs);
  });

  app.get('/:name/events', async (c) => {
    const { type, from, to, ...paging } = readQuery(c, eventQuery);
    const page = pageOf(paging, eventKeys);
    const name = agentNameOf(c);
    const events = await inOrganisation(c, deps, 'read', async ({ sql, org }) =>
      findEvents(sql, org, { agentId: await agentIdOf(sql, org, name), type, from, to }, page),
    );
    return c.json(events);
  });

  app.post('/:name/kill', async (c) => {
    readQuery(c, noQuery);
    const { reason } = await readOptionalJson(c, killBody);
    const name = agentNameOf(c);
    const [row] = await inOrganisation(
      c,
      deps,
      'control',
      ({ sql, org, caller }) =>
        sql<
          { state: AgentChange }[]
        >`select kavach.kill_agent(${org}, ${name}, ${reason}, ${actorOf(caller)}) as state`,
    );
    return c.json(row?.state);
  });

  app.post('/:name/resume', async (c) => {
    readQuery(c, noQuery);
    const name = agentNameOf(c);
    const [row] = await inOrganisation(
      c,
      deps,
      'control',
      ({ sql, org, caller }) =>
        sql<{ state: AgentChange }[]>`select kavach.resume_agent(${org}, ${name}, ${actorOf(caller)}) as state`,
    );
    return c.json(row?.state);
  });

  return app;
}
