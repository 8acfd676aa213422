/** POST /v1/leases: a process reports what it spent of its slices of shared budgets, and asks for more. */
import { WIRE_LIMITS } from '@agentkavach/core/wire';
import type { Hono } from 'hono';
import { callerOf } from '../_shared/authenticate.ts';
import type { Dependencies } from '../_shared/dependencies.ts';
import { answerJson, createApp, readJson } from '../_shared/http.ts';
import { leasesRequest } from '../_shared/schema.ts';

export function handler(deps: Dependencies): Hono {
  const app = createApp('/leases');
  app.post('/', async (c) => {
    const caller = await callerOf(c, deps);
    const request = await readJson(c, leasesRequest, { maxBytes: WIRE_LIMITS.bodyBytes });
    const rows = await deps.database.as(
      caller,
      (sql) => sql<{ answer: string }[]>`select private.leases(${sql.json(request)})::text as answer`,
      { bucket: 'leases' },
    );
    return answerJson(c, rows);
  });
  return app;
}
