/** `/v1/dashboard`: what the first page shows. Reads roll-ups only, so that it costs the same however many events there are. */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { Dependencies } from '../_shared/dependencies.ts';
import { operatorApp } from '../_operator/app.ts';
import { instant, noQuery } from '../_operator/fields.ts';
import { inOrganisation, readQuery } from '../_operator/request.ts';
import { overview } from './overview.ts';
import { rangeOf } from './range.ts';
import { stats } from './stats.ts';

const overviewQuery = z.strictObject({
  from: instant.optional(),
  to: instant.optional(),
  granularity: z.enum(['hour', 'day']).optional(),
});

/**
 * The app of `/dashboard`. Scope `read`.
 *
 * - `GET /overview?from&to&granularity` → `Overview`. `granularity` is `day` (default) or `hour`; the last 30 days, or the
 *   last 48 hours, unless `from` and `to` say otherwise; at most 400 days or 31 days of hours. Buckets are UTC; the first and the last are whole.
 * - `GET /stats` → `Stats`
 *
 * Errors: 401, 403 `forbidden`, 422 `invalid`.
 */
export function handler(deps: Dependencies): Hono {
  const app = operatorApp('/dashboard');

  app.get('/overview', async (c) => {
    const range = rangeOf(readQuery(c, overviewQuery), deps.now());
    return c.json(await inOrganisation(c, deps, 'read', ({ sql, org }) => overview(sql, org, range)));
  });

  app.get('/stats', async (c) => {
    readQuery(c, noQuery);
    return c.json(await inOrganisation(c, deps, 'read', ({ sql, org }) => stats(sql, org)));
  });

  return app;
}
