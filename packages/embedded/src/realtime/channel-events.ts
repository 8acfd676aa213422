/** What a client may do on a channel that it has joined: renew its token, broadcast, be present, leave. */
import { z } from 'zod';
import { type Channel } from './channel.ts';
import { type Message } from './frame.ts';
import { type Hub } from './hub.ts';
import { LIMITS } from './limits.ts';
import { TokenProblem } from './tokens.ts';

/** What the client is told, if it is told anything. */
export type Reply = { readonly status: 'ok' | 'error'; readonly response: object } | undefined;

const OK: Reply = { status: 'ok', response: {} };
const refuse = (reason: string): Reply => ({ status: 'error', response: { reason } });

const tokenSchema = z.object({ access_token: z.string().nullish() });
const broadcastSchema = z.object({
  event: z.string().refine((event) => Buffer.byteLength(event) <= LIMITS.nameBytes),
  payload: z.unknown().optional(),
  persist: z.unknown().optional(),
});
const presenceSchema = z.object({
  event: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['track', 'untrack'])),
  payload: z.record(z.string(), z.unknown()).nullish(),
});

export async function handleOn(
  hub: Hub,
  channel: Channel,
  message: Message,
  headers: Readonly<Record<string, string>>,
): Promise<Reply> {
  switch (message.event) {
    case 'phx_leave':
      return OK;
    case 'access_token':
      await renew(hub, channel, message.payload, headers);
      return undefined;
    case 'broadcast':
      return broadcast(hub, channel, message.payload);
    case 'presence':
      return present(hub, channel, message.payload);
    default:
      return refuse(`unmatched event`);
  }
}

/** The new token counts from now on: the policies are asked again, also where they said yes to the old one. */
async function renew(
  hub: Hub,
  channel: Channel,
  payload: unknown,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const token = tokenSchema.safeParse(payload).data?.access_token;
  // supabase-js sends null where nobody is signed in; the token of the join goes on to its own end.
  if (token == null || token === '') return;
  try {
    const claims = await hub.tokens.read(token);
    const access = channel.isPrivate ? await hub.access(channel.topic, claims, headers) : null;
    if (!channel.live) return;
    if (access && !access.readBroadcast && !access.readPresence) {
      hub.drop(channel, `You no longer have permissions to read from this Channel topic: ${channel.topic}`);
      return;
    }
    channel.claims = claims;
    channel.access = access;
    if (!channel.may('writePresence')) hub.presence.untrack(channel);
    hub.arm(channel);
  } catch (error) {
    if (!(error instanceof TokenProblem)) hub.report(error);
    hub.drop(channel, error instanceof TokenProblem ? error.message : 'DatabaseError: The policies could not be asked');
  }
}

function broadcast(hub: Hub, channel: Channel, payload: unknown): Reply {
  const message = broadcastSchema.safeParse(payload).data;
  if (!message) return refuse('InvalidBroadcast: an event name of 1 to 255 bytes is needed');
  if (message.persist != null && message.persist !== false) {
    return { status: 'error', response: { error: 'Messages cannot be stored from a client here' } };
  }
  if (!channel.may('writeBroadcast')) {
    return channel.acknowledged
      ? refuse('Unauthorized: You do not have permissions to write to this topic')
      : undefined;
  }
  const { topic, isPrivate, self } = channel;
  hub.rooms.broadcast({ topic, isPrivate, event: message.event, payload: message.payload }, self ? undefined : channel);
  return channel.acknowledged ? OK : undefined;
}

function present(hub: Hub, channel: Channel, payload: unknown): Reply {
  const message = presenceSchema.safeParse(payload).data;
  if (!message) return refuse('InvalidPresence: track with an object, or untrack');
  if (!channel.may('writePresence')) {
    return refuse('Unauthorized: You do not have permissions to be present on this topic');
  }
  if (message.event === 'untrack') {
    hub.presence.untrack(channel);
    return OK;
  }
  const meta = message.payload ?? {};
  if (Buffer.byteLength(JSON.stringify(meta)) > LIMITS.presenceBytes) {
    return refuse(`PresenceTooLarge: what is tracked may have ${LIMITS.presenceBytes} bytes of JSON`);
  }
  hub.presence.track(channel, meta);
  return OK;
}
