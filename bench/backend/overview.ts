/** How long the dashboard's first page waits for its figures, with five million events behind them. */
import { Agent, request } from 'node:http';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import postgres from 'postgres';
import { percentile, type Section } from '../measure.ts';
import type { Host } from './host.ts';

/** What the roll-ups look like: 30 days of 50 agents that use 8 models each. */
const ROLLED_UP = 5_000_000;
const DAYS = 30;
const AGENTS = 50;
const MODELS = 8;
const HOURLY_ROWS = DAYS * 24 * AGENTS * MODELS;
const REQUESTS = 200;

/** @param events rows to really insert; the roll-ups are those of five million, or of these where there are more */
export async function overviewSection(host: Host, events: number): Promise<Section> {
  const sql = postgres(host.adminUrl, { max: 1, onnotice: () => undefined });
  const began = performance.now();
  await fill(sql, host.organisation, events);
  const seconds = (performance.now() - began) / 1_000;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const get = async (path: string): Promise<void> => {
    const outgoing = request(`${host.url}/functions/v1${path}`, {
      agent,
      headers: { authorization: `Bearer ${host.keys.operator}` },
    });
    outgoing.end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    for await (const chunk of response) void chunk;
    if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`);
  };
  const from = new Date(Date.now() - (DAYS - 1) * 86_400_000).toISOString();
  const times = await takenInTurn({
    sql: () =>
      sql`select sum(cost), sum(calls) from kavach.daily_spend where org_id = ${host.organisation} and bucket >= ${from}`,
    budgets: () => get('/budgets?limit=1'),
    days: () => get('/dashboard/overview'),
    hours: () => get('/dashboard/overview?granularity=hour'),
  });
  agent.destroy();
  const [size] = await sql<{ events: number; hourly: number; daily: number }[]>`
    select (select count(*)::int from kavach.events) as events, (select count(*)::int from kavach.hourly_spend) as hourly,
      (select count(*)::int from kavach.daily_spend) as daily`;
  await sql.end();
  const of = (name: string, share: number): number => percentile(times.get(name) ?? [], share);
  const count = (rows: number | undefined): string => (rows ?? 0).toLocaleString('en-US');
  return {
    title: 'Dashboard overview',
    note:
      `GET /v1/dashboard/overview over ${count(size?.hourly)} hourly and ${count(size?.daily)} daily roll-ups, beside ` +
      `${count(size?.events)} stored events (filled in ${seconds.toFixed(0)} s). ${REQUESTS} requests each, in turn.`,
    figures: [
      { name: 'baseline: one sum over the daily roll-ups in SQL, p50', value: of('sql', 0.5), unit: 'ms' },
      { name: 'baseline: GET /v1/budgets?limit=1, p50', value: of('budgets', 0.5), unit: 'ms' },
      { name: 'overview of 30 days, p50', value: of('days', 0.5), unit: 'ms', target: 50 },
      { name: 'overview of 30 days, p95', value: of('days', 0.95), unit: 'ms', target: 50 },
      { name: 'overview of 48 hours, p50', value: of('hours', 0.5), unit: 'ms', target: 50 },
      { name: 'overview of 48 hours, p95', value: of('hours', 0.95), unit: 'ms', target: 50 },
    ],
  };
}

async function takenInTurn(work: Readonly<Record<string, () => PromiseLike<unknown>>>): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>(Object.keys(work).map((name) => [name, []]));
  for (let round = -10; round < REQUESTS; round += 1) {
    for (const [name, run] of Object.entries(work)) {
      const began = performance.now();
      await run();
      if (round >= 0) times.get(name)?.push(performance.now() - began);
    }
  }
  return times;
}

async function fill(sql: postgres.Sql, organisation: string, events: number): Promise<void> {
  await sql`insert into kavach.agents (org_id, name) select ${organisation}, 'rolled-' || n from generate_series(1, ${AGENTS}::int) n`;
  const perRow = Math.max(1, Math.round(Math.max(ROLLED_UP, events) / HOURLY_ROWS));
  await sql`
    insert into kavach.hourly_spend (org_id, agent_id, bucket, provider, model, cost, calls, tokens, input_tokens, output_tokens)
    select ${organisation}, a.id, date_trunc('hour', now()) - h * interval '1 hour', 'openai', 'model-' || m,
      ${perRow}::int * 0.0013, ${perRow}::int, ${perRow}::int * 900, ${perRow}::int * 700, ${perRow}::int * 200
    from kavach.agents a, generate_series(1, ${DAYS * 24}::int) h, generate_series(1, ${MODELS}::int) m
    where a.name like 'rolled-%'`;
  await sql`
    insert into kavach.daily_spend (org_id, agent_id, bucket, provider, model, cost, calls, tokens, input_tokens, output_tokens)
    select org_id, agent_id, date_trunc('day', bucket, 'UTC'), provider, model, sum(cost), sum(calls), sum(tokens), sum(input_tokens), sum(output_tokens)
    from kavach.hourly_spend where model like 'model-%' group by 1, 2, 3, 4, 5`;
  // In pieces: one statement of millions would hold all of it in one transaction.
  const piece = 100_000;
  for (let done = 0; done < events; done += piece) {
    await sql`
      insert into kavach.events (org_id, id, at, started_at, type, agent_id, run, user_name, provider, model, cost, tokens, calls, input_tokens, output_tokens, outcome)
      select ${organisation}, gen_random_uuid(), e.at, e.at - interval '2 seconds', 'call', e.agents[1 + n % ${AGENTS}::int], md5((n / 50)::text)::uuid,
        'user-' || n % 100, 'openai', 'model-' || 1 + n % ${MODELS}::int, 0.0013, 900, 1, 700, 200, 'completed'
      from (
        select n, now() - (n::float8 / ${Math.max(events, 1)}::float8) * interval '29 days' as at,
          array(select id from kavach.agents where name like 'rolled-%' order by name) as agents
        from generate_series(${done}::int, ${Math.min(done + piece, events) - 1}::int) n
      ) e`;
  }
  await sql.unsafe('vacuum analyze kavach.hourly_spend, kavach.daily_spend, kavach.agents');
  await sql.unsafe('analyze kavach.events');
}
