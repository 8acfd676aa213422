/** Messages that the database sends: a trigger on realtime.messages announces each row by NOTIFY. */
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { z } from 'zod';
import { type RoomMessage } from './rooms.ts';
import { type Timers } from './timers.ts';

const CHANNEL = 'kavach_realtime';

const noticeSchema = z.object({
  id: z.guid(),
  t: z.string(),
  e: z.string(),
  p: z.boolean().nullable(),
  d: z.unknown().optional(),
  /** The payload is too large for a notification: the row has it. */
  big: z.literal(true).optional(),
});

/** Sent by the feed to itself. */
const fenceSchema = z.object({ fence: z.guid() });

/** A fence that takes longer says that nothing comes. */
const FENCE_MS = 5_000;

export interface FeedOptions {
  readonly databaseUrl: string;
  /** For reading rows. */
  readonly sql: postgres.Sql;
  readonly timers: Timers;
  onMessage(message: RoomMessage): void;
  /** Messages were lost: with the connection, which is there again, or because a row could not be read. */
  onGap(): void;
  report(error: unknown): void;
}

export interface Feed {
  /**
   * Resolves when all that was sent before has come through, and so shows that what is sent from now on will.
   *
   * @throws where nothing comes through at present
   */
  fence(): Promise<void>;
  stop(): Promise<void>;
}

/** @throws where the database cannot be reached */
export async function startFeed(options: FeedOptions): Promise<Feed> {
  const listener = postgres(options.databaseUrl, {
    max: 1,
    onnotice: () => undefined,
    connection: { application_name: 'kavach realtime feed' },
    // Attempts go on for as long as it takes: PostgreSQL may be restarting.
    backoff: (attempts) => Math.min(0.05 * 2 ** attempts, 1),
  });
  const fences = new Map<string, { resolve(done: undefined): void; reject(error: Error): void }>();
  let last: Promise<void> = Promise.resolve();
  let connections = 0;
  try {
    await listener.listen(
      CHANNEL,
      // One after the other: reading a large row must not let a later message pass it.
      (text) => {
        last = last
          .then(async () => {
            const notice = parse(text);
            const fence = fenceSchema.safeParse(notice).data?.fence;
            if (fence === undefined) await handle(notice, options);
            else fences.get(fence)?.resolve(undefined);
          })
          .catch((error: unknown) => {
            options.report(error);
            // One message is lost; nobody knows what it said.
            options.onGap();
          });
      },
      () => {
        connections += 1;
        if (connections === 1) return;
        for (const { reject } of fences.values()) reject(new Error('The connection to the database was interrupted.'));
        options.onGap();
      },
    );
  } catch (error) {
    await listener.end({ timeout: 0 });
    throw error;
  }
  return {
    async fence() {
      const id = randomUUID();
      const passed = new Promise<undefined>((resolve, reject) => {
        fences.set(id, { resolve, reject });
      });
      // Where sending fails, nobody waits for it.
      passed.catch(() => undefined);
      const disarm = options.timers.after(FENCE_MS, () => {
        fences.get(id)?.reject(new Error(`Nothing came from the database for ${FENCE_MS} ms.`));
      });
      try {
        await options.sql`select pg_notify(${CHANNEL}, ${JSON.stringify({ fence: id })})`;
        await passed;
      } finally {
        disarm();
        fences.delete(id);
      }
    },
    stop: () => listener.end({ timeout: 1 }),
  };
}

/** Any role may notify the channel, so what comes is checked. */
async function handle(json: unknown, { sql, onMessage, report }: FeedOptions): Promise<void> {
  const notice = noticeSchema.safeParse(json);
  if (!notice.success) {
    report(new Error(`A notification on ${CHANNEL} is not a message and was dropped.`));
    return;
  }
  const { id, t: topic, e: event, p, d, big } = notice.data;
  let payload = d;
  if (big) {
    const [row] = await sql<{ payload: unknown }[]>`select payload from realtime.messages where id = ${id}`;
    if (!row) {
      report(new Error(`The message ${id} was announced, but its row is gone.`));
      return;
    }
    payload = row.payload;
  }
  onMessage({ topic, event, payload, isPrivate: p === true, meta: { id } });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
