/** A proxy in front of a backend that fails in every way that a network and an overloaded platform know. */
import { once } from 'node:events';
import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to a request. All but the first three reach the backend, so that it may have stored what its client thinks lost. */
export const FAULTS = [
  'reset',
  'reset mid-body',
  '429',
  'html',
  '500',
  '500 after commit',
  'reset after commit',
  'too slow',
  'slow',
  'half an answer',
  'answer cut off',
  'wrong answer',
] as const;

/** What happens to one request; `none`: it is passed on. */
export type Fault = (typeof FAULTS)[number] | 'none';

/** Milliseconds of an answer that is slow, but in time. */
const SLOW_MS = 30;

/** A running proxy. */
export interface FaultyProxy {
  readonly url: string;
  /** How often each fault has happened. */
  readonly counts: ReadonlyMap<Fault, number>;
  /** Requests that have come. */
  readonly requests: number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a proxy is made of. */
export interface FaultyProxyOptions {
  /** Where the backend is at present. */
  readonly target: () => string;
  /** What is to happen to a request, by its number from 1. */
  readonly faultOf: (number: number) => Fault;
  /** Runs while the request of that number is with the backend. */
  readonly onForwarded?: ((number: number) => void) | undefined;
}

interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/** Starts one. */
export async function startFaultyProxy(options: FaultyProxyOptions): Promise<FaultyProxy> {
  const counts = new Map<Fault, number>();
  const agent = new Agent({ keepAlive: true });
  let requests = 0;
  const server = createServer((incoming, outgoing) => {
    requests += 1;
    const number = requests;
    const fault = options.faultOf(number);
    counts.set(fault, (counts.get(fault) ?? 0) + 1);
    outgoing.on('error', () => undefined);
    incoming.on('error', () => undefined);
    // Where the backend is gone, so is the connection.
    serve(fault, number, incoming, outgoing).catch(() => reset(incoming));
  });

  async function serve(
    fault: Fault,
    number: number,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> {
    switch (fault) {
      case 'reset':
        return reset(incoming);
      case 'reset mid-body':
        return cutInTheMiddle(new URL(incoming.url ?? '/', options.target()), incoming);
      case '429':
        await bodyOf(incoming);
        return void outgoing.writeHead(429, { ...JSON_TYPE, 'retry-after': '1' }).end(errorBody('too_many_requests'));
      case 'html':
        await bodyOf(incoming);
        return void outgoing
          .writeHead(200, { 'content-type': 'text/html' })
          .end('<!doctype html><title>Sign in</title>');
      case '500':
        await bodyOf(incoming);
        return void outgoing.writeHead(500, JSON_TYPE).end(errorBody('internal'));
      default:
        return answer(fault, await forward(incoming, number), incoming, outgoing);
    }
  }

  async function answer(
    fault: Fault,
    real: Answer,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> {
    const { status, headers, body } = real;
    const half = body.subarray(0, Math.floor(body.length / 2));
    switch (fault) {
      case 'slow':
        return void setTimeout(() => outgoing.writeHead(status, headers).end(body), SLOW_MS);
      case 'too slow':
        // Until the client has given it up.
        await once(outgoing, 'close');
        return;
      case 'reset after commit':
        return reset(incoming);
      case '500 after commit':
        return void outgoing.writeHead(500, JSON_TYPE).end(errorBody('internal'));
      case 'half an answer':
        return void outgoing.writeHead(200, JSON_TYPE).end(half);
      case 'answer cut off':
        return void outgoing
          .writeHead(200, { ...JSON_TYPE, 'content-length': body.length })
          .write(half, () => reset(incoming));
      case 'wrong answer':
        return void outgoing
          .writeHead(200, JSON_TYPE)
          .end('{"accepted":1,"duplicates":0,"rejected":[],"agents":[],"budgets":[]}');
      default:
        return void outgoing.writeHead(status, headers).end(body);
    }
  }

  async function forward(incoming: IncomingMessage, number: number): Promise<Answer> {
    const body = await bodyOf(incoming);
    const onward = request(new URL(incoming.url ?? '/', options.target()), {
      method: incoming.method,
      headers: headersOf(incoming, body.length),
      agent,
    });
    const answered = once(onward, 'response') as Promise<[IncomingMessage]>;
    onward.end(body, () => options.onForwarded?.(number));
    const [response] = await answered;
    return { status: response.statusCode ?? 500, headers: response.headers, body: await bodyOf(response) };
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    get requests() {
      return requests;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      agent.destroy();
    },
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

function errorBody(code: string): string {
  return JSON.stringify({ error: { code, message: 'On purpose.' } });
}

function reset(message: IncomingMessage): void {
  message.socket.resetAndDestroy();
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The backend gets the beginning of a body and then nothing more. */
async function cutInTheMiddle(url: URL, incoming: IncomingMessage): Promise<void> {
  const [chunk] = (await once(incoming, 'data')) as [Buffer];
  const length = Number(incoming.headers['content-length'] ?? chunk.length);
  const onward = request(url, { method: incoming.method, headers: headersOf(incoming, length), agent: false });
  onward.on('error', () => undefined);
  onward.write(chunk.subarray(0, Math.floor(chunk.length / 2)), () => {
    onward.destroy();
    reset(incoming);
  });
}

function headersOf({ headers }: IncomingMessage, length: number): OutgoingHttpHeaders {
  const { host: _host, connection: _connection, 'transfer-encoding': _encoding, ...rest } = headers;
  return { ...rest, 'content-length': length };
}
