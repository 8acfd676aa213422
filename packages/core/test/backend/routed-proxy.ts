/** A proxy in front of a backend, for a test that decides path by path what comes through. */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `pass`: at once; `503`: refused without reaching the backend; `lost`: reaches the backend, whose answer is lost; a promise: answered by the backend, heard when it resolves. */
export type Route = 'pass' | '503' | 'lost' | Promise<unknown>;

/** A running proxy. */
export interface RoutedProxy {
  readonly url: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts one on a port of its own. */
export async function routedProxy(target: string, routeOf: (path: string) => Route): Promise<RoutedProxy> {
  const { hostname, port, host } = new URL(target);
  const server = createServer((req, res) => {
    const { url: path = '', method, headers } = req;
    const route = routeOf(path);
    if (route === '503') {
      req.resume();
      res.writeHead(503).end();
      return;
    }
    const forwarded = request({ hostname, port, path, method, headers: { ...headers, host } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        if (route === 'lost') {
          res.destroy();
          return;
        }
        void Promise.resolve(route).then(() => {
          res.writeHead(answer.statusCode ?? 502, answer.headers).end(Buffer.concat(chunks));
        });
      });
    });
    forwarded.on('error', () => res.destroy());
    req.pipe(forwarded);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
