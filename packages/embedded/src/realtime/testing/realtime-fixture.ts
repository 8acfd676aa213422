/** A Realtime server on a database of its own, and supabase-js clients with Node's own WebSocket. */
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { createEmptyDatabase } from '@agentkavach/embedded/testing';
import { createClient, type RealtimeChannel, type SupabaseClient } from '@supabase/supabase-js';
import { SignJWT } from 'jose';
import postgres from 'postgres';
import { applyBaseline } from '../../postgres/baseline.ts';
import { startRealtime, type Realtime, type RealtimeOptions } from '../index.ts';
import { FakeTimers } from './fake-timers.ts';

const SECRET = 'a-secret-of-the-tests-with-more-than-32-bytes';
export const PUBLISHABLE = 'sb_publishable_of_the_tests';
export const ORG = '11111111-1111-4111-8111-111111111111';
export const OTHER_ORG = '22222222-2222-4222-8222-222222222222';
export const CONTROL = `org:${ORG}:control`;

/** Members of an organisation read its topic; on `lobby:…` everybody who is signed in also writes. */
const POLICIES = `
  create policy "members read the topic of their organisation" on realtime.messages for select to authenticated
    using ((select realtime.topic()) = 'org:' || (auth.jwt() ->> 'kavach_org') || ':control');
  create policy "members are present on the topic of their organisation" on realtime.messages for insert to authenticated
    with check (
      extension = 'presence' and (select realtime.topic()) = 'org:' || (auth.jwt() ->> 'kavach_org') || ':control'
    );
  create policy "everybody signed in reads lobbies" on realtime.messages for select to authenticated
    using ((select realtime.topic()) like 'lobby:%');
  create policy "everybody signed in writes in lobbies" on realtime.messages for insert to authenticated
    with check ((select realtime.topic()) like 'lobby:%');
`;

export interface RealtimeFixture extends AsyncDisposable {
  /** As the superuser. */
  readonly sql: postgres.Sql;
  readonly url: string;
  readonly timers: FakeTimers;
  readonly realtime: Realtime;
  readonly reported: unknown[];
  /** Signs a token of an organisation. */
  token(org?: string, seconds?: number): Promise<string>;
  sign(claims: Record<string, unknown>, seconds?: number, secret?: string): Promise<string>;
  /** @param token what the client joins with; none: its key */
  client(token?: () => Promise<string>, options?: ClientOptions): SupabaseClient;
  /** Sends from the database. */
  send(payload: Record<string, unknown>, event?: string, topic?: string, isPrivate?: boolean): Promise<void>;
}

export interface ClientOptions {
  readonly key?: string;
  readonly vsn?: '1.0.0' | '2.0.0';
  readonly heartbeatIntervalMs?: number;
}

/** @param more with a `databaseUrl`, that database is used and stays */
export async function startFixture(more: Partial<RealtimeOptions> = {}): Promise<RealtimeFixture> {
  const database = more.databaseUrl === undefined ? await createEmptyDatabase() : undefined;
  const databaseUrl = more.databaseUrl ?? database?.adminUrl ?? '';
  const sql = postgres(databaseUrl, { max: 4, onnotice: () => undefined });
  await applyBaseline(sql);
  await sql.unsafe(POLICIES);
  const timers = new FakeTimers();
  const reported: unknown[] = [];
  const sign: RealtimeFixture['sign'] = async (claims, seconds = 600, secret = SECRET) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime(Math.floor(timers.now() / 1_000) + seconds)
      .sign(new TextEncoder().encode(secret));
  const anon = await sign({ role: 'anon' }, 315_360_000);
  const server = createServer((request, response) => {
    if (!realtime.handleRest(request, response)) response.writeHead(404).end();
  });
  const realtime = await startRealtime({
    databaseUrl,
    jwtSecret: SECRET,
    apiKeys: { [PUBLISHABLE]: anon },
    server,
    timers,
    report: (error) => void reported.push(error),
    ...more,
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clients = new Set<SupabaseClient>();
  return {
    sql,
    url,
    timers,
    realtime,
    reported,
    sign,
    token: async (org = ORG, seconds = 600) =>
      sign({ role: 'authenticated', kavach_org: org, kavach_topics: ['control'] }, seconds),
    client(token, { key = PUBLISHABLE, ...options } = {}) {
      const client = createClient(url, key, {
        auth: { persistSession: false, autoRefreshToken: false },
        ...(token && { accessToken: token }),
        realtime: { ...options },
      });
      clients.add(client);
      return client;
    },
    async send(payload, event = 'kill', topic = CONTROL, isPrivate = true) {
      await sql`select realtime.send(${sql.json(payload as postgres.JSONValue)}, ${event}, ${topic}, ${isPrivate})`;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.realtime.disconnect();
      await realtime.stop();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await sql.end();
      await database?.drop();
    },
  };
}

/** What comes, one after the other. */
export class Inbox<T> {
  readonly all: T[] = [];
  #read = 0;
  #wake: () => void = () => undefined;

  readonly add = (item: T): void => {
    this.all.push(item);
    this.#wake();
  };

  /** The next one, now or later. */
  async next(): Promise<T> {
    while (this.#read >= this.all.length) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#read += 1;
    return this.all[this.#read - 1]!;
  }
}

interface Received {
  readonly event: string;
  readonly payload: Record<string, unknown>;
  readonly meta?: { readonly id: string; readonly replayed?: boolean };
}

export interface Listening {
  readonly channel: RealtimeChannel;
  /** `SUBSCRIBED`, `CLOSED`, or `CHANNEL_ERROR: why`. */
  readonly states: Inbox<string>;
  readonly messages: Inbox<Received>;
  readonly system: Inbox<string>;
}

export type ChannelConfig = NonNullable<NonNullable<Parameters<SupabaseClient['channel']>[1]>['config']>;

/** Joins a topic, private unless said otherwise. */
export async function listen(
  client: SupabaseClient,
  topic = CONTROL,
  config: ChannelConfig = {},
  prepare: (channel: RealtimeChannel) => void = () => undefined,
): Promise<Listening> {
  const [states, messages, system] = [new Inbox<string>(), new Inbox<Received>(), new Inbox<string>()];
  // A first join would go without the token of the callback otherwise.
  await client.realtime.setAuth();
  const channel = client.channel(topic, { config: { private: true, ...config } });
  channel.on('broadcast', { event: '*' }, (message) => messages.add(message as unknown as Received));
  channel.on('system', {}, ({ message }: { message: string }) => system.add(message));
  prepare(channel);
  channel.subscribe((state, error) => states.add(error ? `${state}: ${error.message}` : state));
  return { channel, states, messages, system };
}

/** Joins, and waits until it is in. */
export async function listenIn(...given: Parameters<typeof listen>): Promise<Listening> {
  const listening = await listen(...given);
  const state = await listening.states.next();
  if (state !== 'SUBSCRIBED') throw new Error(`Not let in: ${state}`);
  return listening;
}
