/** How many events a second the backend takes, beside what PostgreSQL and HTTP alone would take. */
import postgres from 'postgres';
import { median, type Figure, type Section } from '../measure.ts';
import { AGENTS } from './events.ts';
import type { Host } from './host.ts';
import type { Load, Loaded } from './load.ts';
import { startProgram, type Program } from './programs.ts';

const BATCH = 500;
const ROUNDS = 3;
const CONNECTIONS = [1, 4, 8];

/** The table of the baseline: the same columns and keys as a day of events, without all else. */
const BARE_TABLE = `
  drop schema if exists bench cascade;
  create schema bench;
  create table bench.events (
    id uuid primary key, type text, agent text, run_id text, at bigint, started_at bigint, user_name text, tags text[],
    provider text, model text, outcome text, estimated boolean, nano bigint, tokens bigint, calls bigint,
    input_tokens bigint, output_tokens bigint
  );
  create index on bench.events (agent, at desc, id desc);
  create index on bench.events (run_id, at, id)`;

/** @param batches of 500 events, in each of three rounds and for each line of the table */
export async function ingestSection(host: Host, batches: number): Promise<Section> {
  const owner = postgres(host.databaseUrl, { max: 1, onnotice: () => undefined });
  await owner.unsafe(BARE_TABLE);
  await declareBudgets(host);
  const load = startProgram('load');
  const variants: { readonly name: string; readonly load: Load; readonly target?: number }[] = [];
  const base = { key: host.keys.sdk, batches, batchEvents: BATCH, gzip: false };
  for (const connections of CONNECTIONS) {
    const many = `${connections} connection${connections === 1 ? '' : 's'}`;
    variants.push({
      name: `baseline: insert … select from jsonb_to_recordset, ${many}`,
      load: { ...base, by: 'insert', url: host.databaseUrl, connections },
    });
    for (const gzip of [false, true]) {
      const how = `${many}${gzip ? ', gzip' : ''}`;
      variants.push(
        {
          name: `baseline: HTTP, read and checked only, ${how}`,
          load: { ...base, by: 'http', url: host.checkOnlyUrl, connections, gzip },
        },
        { name: `ingest, ${how}`, load: { ...base, by: 'http', url: host.url, connections, gzip }, target: 15_000 },
      );
    }
  }
  const rates = new Map<string, number[]>();
  for (const { load: each } of variants) await load.ask<Loaded>({ ...each, batches: 10 });
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { name, load: each } of variants) {
      const { events, seconds } = await ask(load, each);
      rates.set(name, [...(rates.get(name) ?? []), events / seconds]);
    }
  }
  await load.end();
  const [stored] = await owner<{ count: number }[]>`select count(*)::int as count from kavach.events`;
  await owner.unsafe('drop schema bench cascade');
  await owner.end();
  return {
    title: 'Ingest',
    note:
      `Batches of ${BATCH} events over HTTP into real PostgreSQL: host, database and load generator share the cores. Budgets of ` +
      `agents, users and tags are charged. Median of ${ROUNDS} rounds of ${(batches * BATCH).toLocaleString('en-US')} events each; ` +
      `${(stored?.count ?? 0).toLocaleString('en-US')} events were stored in all. The clients' own packing is left out.`,
    figures: variants.map(({ name, target }): Figure => {
      const value = median(rates.get(name) ?? []);
      return { name, value, unit: 'events/s', ...(target === undefined ? {} : { atLeast: target }) };
    }),
  };
}

function ask(program: Program, load: Load): Promise<Loaded> {
  return program.ask<Loaded>(load);
}

async function declareBudgets({ url, keys }: Host): Promise<void> {
  const budget = (id: string, scope: string, unit: string, period: string) => ({
    ...{ id, scope, unit, period },
    name: null,
    timeZone: 'UTC',
    limit: 1_000_000_000_000_000,
  });
  const budgets = [
    budget('day', 'agent', 'usd', 'daily'),
    budget('month', 'agent', 'usd', 'monthly'),
    budget('user', 'user', 'usd', 'daily'),
    budget('tag', 'tag', 'tokens', 'daily'),
  ];
  for (const agent of AGENTS) {
    const response = await fetch(`${url}/functions/v1/connect`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${keys.sdk}` },
      body: JSON.stringify({ sdk: 'js/0.1.0', instance: crypto.randomUUID(), agent, budgets }),
    });
    if (!response.ok) throw new Error(`connect: ${response.status} ${await response.text()}`);
  }
}
