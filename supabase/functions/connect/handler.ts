/** POST /v1/connect: a process says which agent and budgets it has, and learns what holds and where to listen. */
import { type ConnectAnswer, type RealtimeGrant, WIRE_LIMITS } from '@agentkavach/core/wire';
import type { Hono } from 'hono';
import { callerOf } from '../_shared/authenticate.ts';
import type { Dependencies } from '../_shared/dependencies.ts';
import { createApp, readJson } from '../_shared/http.ts';
import { signRealtimeToken } from '../_shared/realtime-token.ts';
import { connectRequest } from '../_shared/schema.ts';

export function handler(deps: Dependencies): Hono {
  const app = createApp('/connect');
  app.post('/', async (c) => {
    const caller = await callerOf(c, deps);
    const request = await readJson(c, connectRequest, { maxBytes: WIRE_LIMITS.bodyBytes });
    const answer = await deps.database.as(
      caller,
      async (sql) => {
        const [row] = await sql<{ answer: ConnectAnswer }[]>`select private.connect(${sql.json(request)}) as answer`;
        if (row === undefined) throw new Error('private.connect returned no row.');
        return row.answer;
      },
      { bucket: 'connect' },
    );
    return c.json({ ...answer, realtime: await realtimeGrant(deps, answer.organisation.id) } satisfies ConnectAnswer);
  });
  return app;
}

async function realtimeGrant(deps: Dependencies, organisation: string): Promise<RealtimeGrant | null> {
  const { supabaseUrl, anonKey, signingKey, jwtSecret } = deps.settings;
  if (signingKey === undefined && jwtSecret === undefined) return null;
  return {
    url: `${supabaseUrl.replace(/^http/, 'ws')}/realtime/v1`,
    apiKey: anonKey,
    topic: `org:${organisation}:control`,
    ...(await signRealtimeToken(deps.settings, { organisation, now: deps.now() })),
  };
}
