/**
 * What a token may do on a private topic. The policies on realtime.messages decide, and are asked as on the platform: by
 * rows of the topic, inserted and read back as the token's role in a transaction that is rolled back.
 */
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { type Claims } from './tokens.ts';

export interface Access {
  readonly readBroadcast: boolean;
  readonly readPresence: boolean;
  readonly writeBroadcast: boolean;
  readonly writePresence: boolean;
}

const NOTHING: Access = { readBroadcast: false, readPresence: false, writeBroadcast: false, writePresence: false };

/** A policy that takes longer holds a connection that others wait for. */
const TIMEOUT_MS = 3_000;

/** Leaves a transaction with its result and without its rows. */
class Undo extends Error {
  readonly access: Access;

  constructor(access: Access) {
    super('roll back');
    this.access = access;
  }
}

const isRefusal = (error: unknown) => error instanceof postgres.PostgresError && error.code === '42501';

/**
 * @param sql a pool of a role that may become any other
 * @param topic without `realtime:`
 * @throws PostgresError where a policy fails, and where the database cannot be reached
 */
export async function accessTo(
  sql: postgres.Sql,
  topic: string,
  claims: Claims,
  headers: Readonly<Record<string, string>>,
): Promise<Access> {
  const [broadcast, presence] = [randomUUID(), randomUUID()];
  try {
    return await sql.begin(async (tx): Promise<Access> => {
      await tx`
        insert into realtime.messages (id, topic, extension)
        values (${broadcast}, ${topic}, 'broadcast'), (${presence}, ${topic}, 'presence')`;
      await tx`
        select
          set_config('statement_timeout', ${String(TIMEOUT_MS)}, true),
          set_config('realtime.topic', ${topic}, true),
          set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
          set_config('request.jwt.claim.sub', ${claims.sub ?? ''}, true),
          set_config('request.jwt.claim.role', ${claims.role}, true),
          set_config('request.headers', ${JSON.stringify(headers)}, true),
          set_config('role', ${claims.role}, true)`;
      const rows = await tx<{ id: string }[]>`
        select id from realtime.messages where topic = ${topic} and id in (${broadcast}, ${presence})`;
      const read = new Set(rows.map(({ id }) => id));
      throw new Undo({
        readBroadcast: read.has(broadcast),
        readPresence: read.has(presence),
        writeBroadcast: await mayWrite(tx, topic, 'broadcast'),
        writePresence: await mayWrite(tx, topic, 'presence'),
      });
    });
  } catch (error) {
    if (error instanceof Undo) return error.access;
    if (isRefusal(error)) return NOTHING;
    throw error;
  }
}

async function mayWrite(tx: postgres.TransactionSql, topic: string, extension: string): Promise<boolean> {
  try {
    await tx.savepoint(
      (inner) => inner`insert into realtime.messages (topic, extension) values (${topic}, ${extension})`,
    );
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}
