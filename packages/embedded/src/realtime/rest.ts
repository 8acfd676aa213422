/** POST /realtime/v1/api/broadcast: sends without a socket, as `channel.httpSend()` and the platform's SDKs do. */
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { isLoopbackHost } from '../host/loopback.ts';
import { PREFIX } from './channel.ts';
import { type Hub } from './hub.ts';
import { LIMITS } from './limits.ts';
import { type RoomMessage } from './rooms.ts';
import { TokenProblem, type Claims } from './tokens.ts';

const PATH = '/realtime/v1/api/broadcast';

class RestProblem extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const bytesUpTo = (max: number) =>
  z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text) <= max && !text.includes('\0'), `has at most ${max} bytes`);

const messageSchema = z.object({
  topic: bytesUpTo(LIMITS.nameBytes - PREFIX.length),
  event: bytesUpTo(LIMITS.nameBytes),
  payload: z.unknown().optional(),
  private: z.boolean().nullish(),
});
const batchSchema = z.object({ messages: z.array(messageSchema).min(1).max(LIMITS.restMessages) });

/** @returns whether the request is for here; it is answered then, later */
export function handleRest(hub: Hub, request: IncomingMessage, response: ServerResponse): boolean {
  const url = request.url ?? '';
  const end = url.charAt(PATH.length);
  // Preflights are the host's: it knows which pages may ask.
  if (!url.startsWith(PATH) || !['', '/', '?'].includes(end) || request.method === 'OPTIONS') return false;
  answer(hub, request).then(
    () => response.writeHead(202).end(),
    (error: unknown) => {
      const known = error instanceof RestProblem;
      if (!known) hub.report(error);
      const body = JSON.stringify({ error: known ? error.message : 'The message could not be sent' });
      // What was not read of a body stays on the connection.
      response.writeHead(known ? error.status : 500, { 'content-type': 'application/json', connection: 'close' });
      response.end(body);
    },
  );
  return true;
}

/** All messages are sent, or none. */
async function answer(hub: Hub, request: IncomingMessage): Promise<void> {
  if (request.method !== 'POST') throw new RestProblem(405, 'Use POST');
  if (!isLoopbackHost(request.headers.host)) {
    throw new RestProblem(403, 'This server answers to localhost and 127.0.0.1 only');
  }
  const claims = await claimsOf(hub, request);
  const messages = messagesOf(request, await readBody(request));
  const topics = new Set(messages.filter(({ isPrivate }) => isPrivate).map(({ topic }) => topic));
  for (const topic of topics) {
    if (claims.role === 'service_role') break;
    const { writeBroadcast } = await hub.access(topic, claims, {});
    if (!writeBroadcast) {
      throw new RestProblem(403, `Unauthorized: You do not have permissions to write to this topic: ${topic}`);
    }
  }
  for (const message of messages) hub.rooms.broadcast(message);
}

async function claimsOf(hub: Hub, { headers }: IncomingMessage): Promise<Claims> {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const key = headers['apikey'];
  try {
    return await hub.tokens.read(bearer ?? (typeof key === 'string' ? key : ''));
  } catch (error) {
    throw error instanceof TokenProblem ? new RestProblem(401, error.message) : error;
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Left early, the loop would otherwise destroy the connection that the answer goes to.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LIMITS.messageBytes) throw new RestProblem(413, `The body may have ${LIMITS.messageBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function messagesOf(request: IncomingMessage, body: Buffer): RoomMessage[] {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  const one = /^\/([^/]+)\/events\/([^/]+)$/.exec(pathname.slice(PATH.length));
  if (!one && pathname !== PATH) throw new RestProblem(404, `Use ${PATH} or ${PATH}/<topic>/events/<event>`);
  if (searchParams.has('persist') || searchParams.has('persist[ttl]')) {
    throw new RestProblem(422, 'Messages cannot be stored from here: use realtime.send in the database');
  }
  const isBinary = request.headers['content-type'] === 'application/octet-stream';
  const content: unknown = isBinary && one ? new Uint8Array(body) : parse(body);
  const batch = one
    ? { messages: [{ topic: decode(one[1]), event: decode(one[2]), payload: content, private: isTrue(searchParams) }] }
    : content;
  const parsed = batchSchema.safeParse(batch);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new RestProblem(422, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
  }
  return parsed.data.messages.map(({ topic, event, payload, private: isPrivate }) => ({
    topic,
    event,
    payload,
    isPrivate: isPrivate ?? false,
  }));
}

const isTrue = (query: URLSearchParams) => query.get('private') === 'true';

function decode(part = ''): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RestProblem(422, 'The address is not encoded as UTF-8');
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new RestProblem(400, 'The body is not JSON');
  }
}
