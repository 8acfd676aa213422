/** Messages of a private topic that were sent before a join. */
import type postgres from 'postgres';
import { PREFIX } from './channel.ts';
import { type Broadcast } from './frame.ts';
import { LIMITS } from './limits.ts';

export interface ReplayRequest {
  /** Milliseconds since the Unix epoch. */
  readonly since: number;
  readonly limit?: number | undefined;
}

/** @returns the latest ones, the oldest of them first */
export async function messagesSince(
  sql: postgres.Sql,
  topic: string,
  { since, limit = LIMITS.replay.default }: ReplayRequest,
): Promise<Broadcast[]> {
  const count = Math.min(Math.max(Math.trunc(limit), 1), LIMITS.replay.max);
  // inserted_at has no zone: it is now() as the session's zone shows it, and this session's is the same.
  const rows = await sql<{ id: string; event: string; payload: unknown }[]>`
    select id, event, payload from realtime.messages
    where topic = ${topic} and private and extension = 'broadcast' and event is not null
      and inserted_at >= to_timestamp(${since / 1_000}::float8)::timestamp
    order by inserted_at desc limit ${count}`;
  return rows.reverse().map(({ id, event, payload }) => ({
    topic: PREFIX + topic,
    event,
    payload,
    meta: { id, replayed: true },
  }));
}
