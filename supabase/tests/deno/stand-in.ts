/**
 * Stands in for the functions' handlers where their tests run on Deno: what a test asks of one goes over HTTP to a Deno that
 * has the real one. One process for each test file, from its first request until its end.
 */
import type { Hono } from 'hono';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll } from 'vitest';
import type { Database } from '../../functions/_shared/database.ts';
import type { Dependencies } from '../../functions/_shared/dependencies.ts';
import { ROOT } from '../deploy/functions.ts';
import { PINNED, startOnDeno, type DenoProcess } from './deno-process.ts';
import { ANSWERED_BY, TOLD, type Incoming, type Outgoing, type Told } from './protocol.ts';
import { send } from './send.ts';

const given: Dependencies[] = [];
const urls = new WeakMap<Database, string>();
let apps = 0;
let standsIn = false;
let running: Promise<{ readonly deno: DenoProcess; readonly network: string }> | undefined;
const outgoing = createServer((request, response) => void relay(request, response));

afterAll(async () => {
  const started = await running?.catch(() => undefined);
  await started?.deno.stop();
  outgoing.close();
  if (!standsIn)
    throw new Error('This file asks no handler on Deno. See handlersOnDeno() in supabase/tests/deno/plugin.ts.');
});

/** In the place of `openDatabase`: the database is opened on Deno. */
export function openDatabase(url: string): Database {
  const database: Database = {
    as: () => Promise.reject(new Error('Only the handlers on Deno have this database. Use the one of the test.')),
    end: () => Promise.resolve(),
  };
  urls.set(database, url);
  return database;
}

/** In the place of the `handler` of a function. @param name the function's */
export function handlerOnDeno(name: string): (deps: Dependencies) => Pick<Hono, 'request'> {
  standsIn = true;
  return (deps) => {
    const app = (apps += 1);
    return { request: (input, init) => ask(String(input), init ?? {}, { app, name }, deps) };
  };
}

async function ask(
  path: string,
  init: RequestInit,
  asked: Pick<Told, 'app' | 'name'>,
  deps: Dependencies,
): Promise<Response> {
  const databaseUrl = urls.get(deps.database);
  if (databaseUrl === undefined) throw new Error('A database that Deno should use must come from openDatabase().');
  const { deno, network } = await (running ??= start(asked.name));
  const dependencies = given.includes(deps) ? given.indexOf(deps) : given.push(deps) - 1;
  const { settings } = deps;
  const told: Told = { ...asked, dependencies, settings, databaseUrl, now: deps.now(), network };
  const headers = new Headers(init.headers);
  headers.set(TOLD, encodeURIComponent(JSON.stringify(told)));
  const { pathname, search } = new URL(path, deno.url);
  const response = await send(`${deno.url}${pathname}${search}`, { ...init, headers });
  const by = response.headers.get(ANSWERED_BY);
  if (by !== PINNED) throw new Error(`The answer is from ${by ?? 'nobody knows what'}, and not from ${PINNED}.`);
  return response;
}

async function start(name: string): Promise<{ readonly deno: DenoProcess; readonly network: string }> {
  outgoing.listen(0, '127.0.0.1');
  await once(outgoing, 'listening');
  const deno = await startOnDeno(join(import.meta.dirname, 'handlers.ts'), {
    config: join(ROOT, 'supabase/functions', name, 'deno.json'),
  });
  return { deno, network: `http://127.0.0.1:${(outgoing.address() as AddressInfo).port}` };
}

/** Sends what a handler sends, by the `fetch` that the test gave to it. */
async function relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let incoming: Incoming;
  try {
    const { dependencies, url, init } = (await json(request)) as Outgoing;
    const answer = await given[dependencies]?.fetch(url, init);
    if (answer === undefined) throw new Error('The test has given no such dependencies.');
    const body = (await answer.text()) || null;
    incoming = { status: answer.status, headers: [...answer.headers], body };
  } catch (error) {
    incoming = { failure: error instanceof Error ? error.message : String(error) };
  }
  response.end(JSON.stringify(incoming));
}
