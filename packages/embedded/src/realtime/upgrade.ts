/** Which requests become WebSockets: those for Realtime, addressed to this machine, with a key of the project. */
import { type IncomingMessage } from 'node:http';
import { type Duplex } from 'node:stream';
import { isLoopbackHost } from '../host/loopback.ts';
import { type Vsn } from './frame.ts';
import { type SocketOptions } from './socket.ts';
import { TokenProblem, type Tokens } from './tokens.ts';

const PATH = '/realtime/v1/websocket';

const REASONS = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  503: 'Service Unavailable',
} as const;

/** An upgrade that is refused. */
export class UpgradeRefusal extends Error {
  readonly status: keyof typeof REASONS;

  constructor(status: keyof typeof REASONS, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * @throws UpgradeRefusal
 */
export async function admitUpgrade(request: IncomingMessage, tokens: Tokens): Promise<SocketOptions> {
  if (!URL.canParse(request.url ?? '', 'http://localhost')) throw new UpgradeRefusal(400, 'The address is not one');
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  if (pathname !== PATH) throw new UpgradeRefusal(404, `WebSockets are served at ${PATH} only`);
  if (!isLoopbackHost(request.headers.host)) {
    throw new UpgradeRefusal(403, 'This server answers to localhost and 127.0.0.1 only');
  }
  const vsn = searchParams.get('vsn') ?? '1.0.0';
  if (!isVsn(vsn)) throw new UpgradeRefusal(400, 'Unknown protocol version: use vsn=1.0.0 or vsn=2.0.0');
  const headers = Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      name.startsWith('x-') && typeof value === 'string' ? [[name, value]] : [],
    ),
  );
  try {
    const claims = await tokens.read(searchParams.get('apikey') ?? headers['x-api-key'] ?? '');
    return { vsn, claims, headers };
  } catch (error) {
    throw error instanceof TokenProblem ? new UpgradeRefusal(401, 'The apikey is not one of this project') : error;
  }
}

const isVsn = (vsn: string): vsn is Vsn => vsn === '1.0.0' || vsn === '2.0.0';

/** Answers without a WebSocket, and ends the connection. */
export function refuseUpgrade(socket: Duplex, { status, message }: UpgradeRefusal): void {
  const body = JSON.stringify({ error: message });
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    'connection: close',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
