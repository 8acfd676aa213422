/**
 * The whole backend on a database of its own, with two organisations: the victim, whose every table holds canaries, and the
 * rival, whose callers try to get at them.
 */
import { randomUUID } from 'node:crypto';
import { createDatabase } from '@agentkavach/embedded/testing';
import { openDatabase } from '@agentkavach/functions/_shared/database';
import type { Dependencies, Settings } from '@agentkavach/functions/_shared/dependencies';
import type { Hono } from 'hono';
import postgres from 'postgres';
import { authApp } from '../../../../packages/embedded/src/auth/index.ts';
import { functionApps } from '../../../../packages/embedded/src/host/functions.ts';
import { FakeStripe } from '../../../functions/billing/testing/fake-stripe.ts';
import { plantVictim, type Victim } from './victim.ts';

export const SECRET = 'the-secret-of-this-project-with-more-than-32-bytes';
export const ANON_KEY = 'the-public-key-of-this-project';
const URL_OF_PROJECT = 'https://project.example';
const WEBHOOK_SECRET = 'whsec_of_this_test';

export interface Stage extends AsyncDisposable {
  readonly deps: Dependencies;
  /** Every function's app, by its name. */
  readonly apps: ReadonlyMap<string, Hono>;
  /** As the superuser. */
  readonly admin: postgres.Sql;
  /** As the login role of the functions. */
  readonly pool: postgres.Sql;
  readonly adminUrl: string;
  readonly victim: Victim;
  /** The rival's id. */
  readonly rival: string;
  /** All that the functions sent to other servers since it was emptied. */
  readonly outgoing: string[];
  /** Sends a request to the function that its path names. */
  send(request: string, headers: Readonly<Record<string, string>>, body?: string): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  /** The code of an error. */
  readonly code: string | undefined;
  /** Headers and body, as they would cross the wire. */
  readonly text: string;
}

/** Starts it; dispose of it after the tests. */
export async function startStage(): Promise<Stage> {
  const database = await createDatabase();
  const options = { onnotice: () => undefined } as const;
  const admin = postgres(database.adminUrl, { ...options, max: 4 });
  const pool = postgres(database.url, { ...options, max: 4 });
  const stripe = await FakeStripe.start(WEBHOOK_SECRET);
  const outgoing: string[] = [];
  const settings: Settings = {
    supabaseUrl: URL_OF_PROJECT,
    anonKey: ANON_KEY,
    jwtSecret: SECRET,
    dashboardUrl: 'https://dashboard.example',
    stripe: { secretKey: 'sk_test_1', webhookSecret: WEBHOOK_SECRET, pricePro: 'price_pro', priceMax: 'price_max' },
  };
  const network: typeof fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    outgoing.push(`${url}\n${typeof init?.body === 'string' ? init.body : ''}`);
    const path = url.startsWith(`${URL_OF_PROJECT}/auth/v1`)
      ? url.slice(`${URL_OF_PROJECT}/auth/v1`.length)
      : undefined;
    if (path === undefined) return stripe.fetch(input, init);
    // A new one each time: it has not yet counted anybody's attempts, so that each answer is that of a first one.
    const auth = authApp({ sql: admin, jwtSecret: SECRET, siteUrl: URL_OF_PROJECT, sendMail: async () => undefined });
    return auth.fetch(new Request(`${URL_OF_PROJECT}${path}`, init));
  };
  const functions = openDatabase(database.url);
  const deps: Dependencies = { database: functions, settings, fetch: network, now: () => Date.now() };
  const apps = functionApps(deps);
  const rival = randomUUID();
  await admin`insert into kavach.organizations (id, name, plan_id) values (${rival}, 'Rival', 'max')`;
  return {
    deps,
    apps,
    admin,
    pool,
    adminUrl: database.adminUrl,
    victim: await plantVictim(admin),
    rival,
    outgoing,
    async send(request, headers, body) {
      const [method = '', path = ''] = request.split(' ');
      const app = apps.get(/^\/(\w+)/.exec(path)?.[1] ?? '');
      if (app === undefined) throw new Error(`no function for ${request}`);
      const response = await app.request(`${URL_OF_PROJECT}${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      const content = await response.text();
      return {
        status: response.status,
        code: codeOf(content),
        text: `${[...response.headers].map((header) => header.join(': ')).join('\n')}\n\n${content}`,
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([admin.end(), pool.end(), functions.end(), stripe[Symbol.asyncDispose]()]);
      await database.drop();
    },
  };
}

function codeOf(text: string): string | undefined {
  if (!text.startsWith('{"error"')) return undefined;
  const { error } = JSON.parse(text) as { error: { code: string } };
  return error.code;
}
