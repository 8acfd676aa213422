/** Run by Deno: the handlers that a test has made, with the test's database, settings, clock and network. */
import type { Hono } from 'hono';
import { openDatabase, type Database } from '../../functions/_shared/database.ts';
import type { Dependencies } from '../../functions/_shared/dependencies.ts';
import { TOLD, type Incoming, type Outgoing, type Told } from './protocol.ts';

/** Loaded when a test asks. */
const HANDLERS: Readonly<Record<string, () => Promise<{ handler(deps: Dependencies): Hono }>>> = {
  agents: () => import('../../functions/agents/handler.ts'),
  alerts: () => import('../../functions/alerts/handler.ts'),
  auth: () => import('../../functions/auth/handler.ts'),
  billing: () => import('../../functions/billing/handler.ts'),
  budgets: () => import('../../functions/budgets/handler.ts'),
  connect: () => import('../../functions/connect/handler.ts'),
  dashboard: () => import('../../functions/dashboard/handler.ts'),
  ingest: () => import('../../functions/ingest/handler.ts'),
  keys: () => import('../../functions/keys/handler.ts'),
  leases: () => import('../../functions/leases/handler.ts'),
  pricing: () => import('../../functions/pricing/handler.ts'),
  runs: () => import('../../functions/runs/handler.ts'),
  status: () => import('../../functions/status/handler.ts'),
};

const apps = new Map<number, Promise<Hono>>();
const given = new Map<number, Dependencies>();
const databases = new Map<string, Database>();
/** The test's time. */
let now = 0;

Deno.serve(async (request) => {
  const told = JSON.parse(decodeURIComponent(request.headers.get(TOLD) ?? '')) as Told;
  now = told.now;
  return (await got(apps, told.app, () => makeApp(told))).fetch(request);
});

async function makeApp(told: Told): Promise<Hono> {
  const load = HANDLERS[told.name];
  if (load === undefined) throw new Error(`HANDLERS in supabase/tests/deno/handlers.ts lacks "${told.name}".`);
  const { handler } = await load();
  return handler(got(given, told.dependencies, () => makeDependencies(told)));
}

function makeDependencies(told: Told): Dependencies {
  return {
    database: got(databases, told.databaseUrl, () => openDatabase(told.databaseUrl)),
    settings: told.settings,
    fetch: (input, init) => throughTest(told, new Request(input, init)),
    now: () => now,
  };
}

/** Sends a request by the `fetch` of the test. */
async function throughTest(told: Told, request: Request): Promise<Response> {
  const { url, method, redirect, signal } = request;
  const init = { method, redirect, headers: [...request.headers], body: (await request.text()) || null };
  const outgoing: Outgoing = { dependencies: told.dependencies, url, init };
  const answer = await fetch(told.network, { method: 'POST', body: JSON.stringify(outgoing), signal });
  const incoming = (await answer.json()) as Incoming;
  if ('failure' in incoming) throw new TypeError(incoming.failure);
  return new Response(incoming.body, incoming);
}

function got<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}
