/** `/v1/runs`: one run, and what happened in it in order. */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { Dependencies } from '../_shared/dependencies.ts';
import { operatorApp } from '../_operator/app.ts';
import { eventKeys, findEvents } from '../_operator/event-list.ts';
import { noQuery } from '../_operator/fields.ts';
import { pageFields, pageOf } from '../_operator/page.ts';
import { idOf, inOrganisation, notFound, readQuery } from '../_operator/request.ts';
import { findRun } from '../_operator/run-list.ts';

const pageQuery = z.strictObject(pageFields);

/**
 * The app of `/runs`. Scope `read`.
 *
 * - `GET /:id` → `RunView`. `:id` is the run's id here (a UUID), not the agent's own run id.
 * - `GET /:id/events?limit&cursor` → `Page<EventView>` in the order in which they happened; 30 days are kept. `prompt` is
 *   `null` unless the agent saves prompts.
 *
 * Errors: 401, 403 `forbidden`, 404 `run_not_found` (also for another organisation's), 422 `invalid` and `invalid_cursor`.
 */
export function handler(deps: Dependencies): Hono {
  const app = operatorApp('/runs');

  app.get('/:id', async (c) => {
    readQuery(c, noQuery);
    const id = idOf(c, 'run');
    const run = await inOrganisation(c, deps, 'read', ({ sql, org }) => findRun(sql, org, id));
    if (run === undefined) throw notFound('run');
    return c.json(run);
  });

  app.get('/:id/events', async (c) => {
    const page = pageOf(readQuery(c, pageQuery), eventKeys);
    const id = idOf(c, 'run');
    const events = await inOrganisation(c, deps, 'read', async ({ sql, org }) => {
      if ((await findRun(sql, org, id)) === undefined) throw notFound('run');
      return findEvents(sql, org, { runId: id }, page);
    });
    return c.json(events);
  });

  return app;
}
