/** POST /v1/ingest: a batch of events. Good ones are stored, bad ones become dead letters with the reason. */
import { WIRE_LIMITS } from '@agentkavach/core/wire';
import type { Hono } from 'hono';
import { callerOf } from '../_shared/authenticate.ts';
import type { Dependencies } from '../_shared/dependencies.ts';
import { answerJson, createApp, readJson } from '../_shared/http.ts';
import { ingestRequest } from '../_shared/schema.ts';
import { checkEvents } from './check-events.ts';

export function handler(deps: Dependencies): Hono {
  const app = createApp('/ingest');
  app.post('/', async (c) => {
    const caller = await callerOf(c, deps);
    const { instance, events } = await readJson(c, ingestRequest, { maxBytes: WIRE_LIMITS.bodyBytes });
    const { valid, invalid } = checkEvents(events);
    const rows = await deps.database.as(
      caller,
      (sql) => sql<{ answer: string }[]>`
        select private.ingest(${instance}, ${JSON.stringify(valid)}::text::jsonb, ${JSON.stringify(invalid)}::text::jsonb)::text as answer
      `,
      { bucket: 'ingest' },
    );
    return answerJson(c, rows);
  });
  return app;
}
