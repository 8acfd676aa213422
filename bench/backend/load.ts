/**
 * The load generator: sends batches over some connections, as fast as they are answered. What it sends is made and packed
 * before the time is taken: that work is the clients', of which there are many.
 */
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import postgres from 'postgres';
import { AGENTS, batchOf } from './events.ts';
import { answerLines } from './programs.ts';

/** What is to be sent. */
export interface Load {
  /** `http`: to an ingest endpoint. `insert`: the same rows with one bare statement each batch. */
  readonly by: 'http' | 'insert';
  /** Of the endpoint, or of the database. */
  readonly url: string;
  readonly key: string;
  readonly connections: number;
  readonly batches: number;
  readonly batchEvents: number;
  readonly gzip: boolean;
}

/** What came of it. */
export interface Loaded {
  readonly events: number;
  readonly seconds: number;
  /** Milliseconds of each batch. */
  readonly latencies: readonly number[];
}

const BARE_INSERT = `
  insert into bench.events select x.* from jsonb_to_recordset($1::text::jsonb) as x (
    id uuid, type text, agent text, "runId" text, at bigint, "startedAt" bigint, "user" text, tags text[], provider text,
    model text, outcome text, estimated boolean, nano bigint, tokens bigint, calls bigint, "inputTokens" bigint, "outputTokens" bigint
  )`;

await answerLines(async (load: Load): Promise<Loaded> => {
  const batches = Array.from({ length: load.batches }, (_, index) =>
    batchOf(load.batchEvents, AGENTS[index % AGENTS.length] ?? ''),
  );
  return load.by === 'http' ? overHttp(load, batches) : asStatements(load, batches);
});

async function overHttp(load: Load, batches: readonly unknown[][]): Promise<Loaded> {
  const instance = crypto.randomUUID();
  const bodies = batches.map((events) => {
    const body = Buffer.from(JSON.stringify({ instance, sentAt: Date.now(), events }));
    return load.gzip ? gzipSync(body) : body;
  });
  const agent = new Agent({ keepAlive: true, maxSockets: load.connections });
  const send = async (body: Buffer): Promise<void> => {
    const outgoing = request(`${load.url}/functions/v1/ingest`, {
      agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': body.length,
        authorization: `Bearer ${load.key}`,
        ...(load.gzip ? { 'content-encoding': 'gzip' } : {}),
      },
    });
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const answer = Buffer.concat(chunks).toString();
    const { accepted } = JSON.parse(answer) as { accepted?: number };
    if (accepted !== load.batchEvents) throw new Error(`A batch was not taken: ${response.statusCode} ${answer}`);
  };
  const loaded = await timed(load, bodies, send);
  agent.destroy();
  return loaded;
}

async function asStatements(load: Load, batches: readonly unknown[][]): Promise<Loaded> {
  const texts = batches.map((events) => JSON.stringify(events));
  const sql = postgres(load.url, { max: load.connections, onnotice: () => undefined });
  await Promise.all(Array.from({ length: load.connections }, () => sql`select 1`));
  const loaded = await timed(
    load,
    texts,
    async (text) => void (await sql.unsafe(BARE_INSERT, [text], { prepare: true })),
  );
  await sql.end();
  return loaded;
}

async function timed<T>(load: Load, parcels: readonly T[], send: (parcel: T) => Promise<void>): Promise<Loaded> {
  const left = [...parcels];
  const latencies: number[] = [];
  const lane = async (): Promise<void> => {
    for (let parcel = left.pop(); parcel !== undefined; parcel = left.pop()) {
      const began = performance.now();
      await send(parcel);
      latencies.push(performance.now() - began);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: load.connections }, lane));
  return { events: parcels.length * load.batchEvents, seconds: (performance.now() - began) / 1_000, latencies };
}
