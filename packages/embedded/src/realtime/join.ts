/** phx_join: reads what the client wants, asks what its token may, and lets it in. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Access } from './access.ts';
import { Channel, PREFIX, type Line } from './channel.ts';
import { type Broadcast, type Message } from './frame.ts';
import { type Hub } from './hub.ts';
import { LIMITS } from './limits.ts';
import { messagesSince, type ReplayRequest } from './replay.ts';
import { TokenProblem, type Claims } from './tokens.ts';

/** The socket that asks. */
export interface Joiner {
  readonly line: Line;
  /** Of the key that the socket was opened with. */
  readonly claims: Claims;
  /** Policies may read them. */
  readonly headers: Readonly<Record<string, string>>;
}

const joinSchema = z.object({
  access_token: z.string().nullish(),
  config: z
    .object({
      private: z.boolean().nullish(),
      broadcast: z
        .object({
          self: z.boolean().nullish(),
          ack: z.boolean().nullish(),
          replication_ready: z.boolean().nullish(),
          replay: z.object({ since: z.number().min(0).max(8.64e15), limit: z.number().optional() }).nullish(),
        })
        .nullish(),
      presence: z
        .object({
          key: z
            .string()
            .refine((key) => Buffer.byteLength(key) <= LIMITS.nameBytes)
            .nullish(),
          enabled: z.boolean().nullish(),
        })
        .nullish(),
      postgres_changes: z.array(z.unknown()).nullish(),
    })
    .nullish(),
});

/** A join that is refused. The message goes to the client as the reason. */
export class JoinRefusal extends Error {}

/** @throws JoinRefusal for a topic that is empty, too long, or without its prefix */
function requireTopic(full: string): string {
  const topic = full.startsWith(PREFIX) ? full.slice(PREFIX.length) : '';
  if (topic === '' || topic.includes('\0')) throw new JoinRefusal('unmatched topic');
  if (Buffer.byteLength(full) > LIMITS.nameBytes) {
    throw new JoinRefusal(`TopicTooLong: ${PREFIX}<topic> may have ${LIMITS.nameBytes} bytes`);
  }
  return topic;
}

/**
 * @param admit called when the channel may come in, before anything is sent to it; `false` where the socket is gone
 * @throws JoinRefusal
 */
export async function join(
  hub: Hub,
  joiner: Joiner,
  message: Message,
  admit: (channel: Channel) => boolean,
): Promise<void> {
  const topic = requireTopic(message.topic);
  const parsed = joinSchema.safeParse(message.payload ?? {});
  if (!parsed.success) {
    throw new JoinRefusal(`InvalidJoinPayload: ${parsed.error.issues[0]?.path.join('.') ?? ''} is not as expected`);
  }
  const { access_token: token, config } = parsed.data;
  const isPrivate = config?.private ?? false;
  const replay = config?.broadcast?.replay;
  if (config?.postgres_changes?.length) {
    throw new JoinRefusal(
      'Postgres changes are not available here: send from a trigger with realtime.broadcast_changes',
    );
  }
  if (replay && !isPrivate) {
    throw new JoinRefusal('UnableToReplayMessages: Replay is not allowed for public channels');
  }
  const claims = await claimsOf(hub, joiner, token);
  const access = await accessOf(hub, joiner, topic, isPrivate, claims);
  const channel = new Channel({
    line: joiner.line,
    topic,
    joinRef: message.joinRef,
    isPrivate,
    self: config?.broadcast?.self ?? false,
    acknowledged: config?.broadcast?.ack ?? false,
    presence: config?.presence?.enabled ?? false,
    presenceKey: config?.presence?.key || randomUUID(),
    claims,
    access,
  });
  const older = await enter(hub, channel, replay);
  if (!admit(channel)) {
    hub.discard(channel);
    return;
  }
  hub.arm(channel);
  if (channel.presence && channel.may('readPresence')) channel.push('presence_state', hub.presence.stateFor(channel));
  if (config?.broadcast?.replication_ready) {
    const text = 'Replication connection established';
    channel.push('system', { extension: 'system', status: 'ok', message: text, channel: topic });
  }
  channel.release(older);
}

/** From here on the channel is in its room. What comes there waits until it is admitted, and older messages are read. */
async function enter(hub: Hub, channel: Channel, replay: ReplayRequest | null | undefined): Promise<Broadcast[]> {
  channel.hold();
  hub.rooms.add(channel);
  if (!replay || !channel.may('readBroadcast')) return [];
  try {
    const older = await messagesSince(hub.sql, channel.topic, replay);
    if (channel.live) return older;
  } catch (error) {
    hub.report(error);
  }
  hub.discard(channel);
  throw new JoinRefusal('UnableToReplayMessages: Earlier messages could not be read; try again');
}

async function claimsOf(hub: Hub, { claims }: Joiner, token: string | null | undefined): Promise<Claims> {
  if (token == null || token === '') {
    if (claims.exp * 1_000 <= hub.timers.now()) throw new JoinRefusal('InvalidJWTToken: Token has expired');
    return claims;
  }
  try {
    return await hub.tokens.read(token);
  } catch (error) {
    throw error instanceof TokenProblem ? new JoinRefusal(error.message) : error;
  }
}

async function accessOf(
  hub: Hub,
  joiner: Joiner,
  topic: string,
  isPrivate: boolean,
  claims: Claims,
): Promise<Access | null> {
  let access: Access | null;
  try {
    access = isPrivate ? await hub.access(topic, claims, joiner.headers) : null;
    // Who is in misses nothing from then on, and gets nothing from before but what it asks for.
    await hub.fence();
  } catch (error) {
    hub.report(error);
    throw new JoinRefusal('DatabaseError: The database could not be asked; try again');
  }
  if (access && !access.readBroadcast && !access.readPresence) {
    throw new JoinRefusal(`Unauthorized: You do not have permissions to read from this Channel topic: ${topic}`);
  }
  return access;
}
