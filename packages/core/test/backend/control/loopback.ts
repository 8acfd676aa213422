/** A real HTTP server on this machine that answers what a test wants, however wrong. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** A server and its address. */
export interface Loopback {
  readonly url: string;
  readonly server: Server;
  /** Requests so far. */
  readonly count: number;
  stop(): Promise<void>;
}

/** Starts a server on a free port. */
export async function loopback(listener: RequestListener): Promise<Loopback> {
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    get count() {
      return count;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A request's body as JSON, and how many bytes it had on the way. */
export async function bodyOf(request: IncomingMessage): Promise<{ readonly value: unknown; readonly bytes: number }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
  return { value: JSON.parse(text.toString()), bytes: bytes.length };
}
