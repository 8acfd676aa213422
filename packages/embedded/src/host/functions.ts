/** The Edge Functions' handlers, as they run in production, for a server on Node. */
import { handler as agents } from '@agentkavach/functions/agents/handler';
import { handler as alerts } from '@agentkavach/functions/alerts/handler';
import { handler as auth } from '@agentkavach/functions/auth/handler';
import { handler as billing } from '@agentkavach/functions/billing/handler';
import { handler as budgets } from '@agentkavach/functions/budgets/handler';
import { handler as connect } from '@agentkavach/functions/connect/handler';
import { handler as dashboard } from '@agentkavach/functions/dashboard/handler';
import { handler as ingest } from '@agentkavach/functions/ingest/handler';
import { handler as keys } from '@agentkavach/functions/keys/handler';
import { handler as leases } from '@agentkavach/functions/leases/handler';
import { handler as pricing } from '@agentkavach/functions/pricing/handler';
import { handler as runs } from '@agentkavach/functions/runs/handler';
import { handler as status } from '@agentkavach/functions/status/handler';
import type { Dependencies } from '@agentkavach/functions/_shared/dependencies';
import type { Hono } from 'hono';

const HANDLERS = {
  agents,
  alerts,
  auth,
  billing,
  budgets,
  connect,
  dashboard,
  ingest,
  keys,
  leases,
  pricing,
  runs,
  status,
} satisfies Readonly<Record<string, (dependencies: Dependencies) => Hono>>;

/** One app for each function, by its name. */
export function functionApps(dependencies: Dependencies): ReadonlyMap<string, Hono> {
  return new Map(Object.entries(HANDLERS).map(([name, handler]) => [name, handler(dependencies)]));
}
