/** GET /v1/status: whether the backend works. Needs no credentials. */
import type { Hono } from 'hono';
import type { Dependencies } from '../_shared/dependencies.ts';
import { createApp } from '../_shared/http.ts';

export function handler(deps: Dependencies): Hono {
  const app = createApp('/status');
  app.get('/', async (c) => {
    const asked = deps.now();
    await deps.database.as({ kind: 'anon' }, (sql) => sql`select 1`);
    const serverTime = deps.now();
    return c.json({ status: 'ok', database: { status: 'ok', latencyMs: serverTime - asked }, serverTime });
  });
  return app;
}
