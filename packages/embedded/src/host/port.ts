/** The stack's one HTTP server, on the loopback interface. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { notReady } from './routes.ts';

/** A server that listens, and its address. */
export interface Listening {
  readonly server: Server;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Ends it and every connection. */
  close(): Promise<void>;
}

/**
 * Listens; until it is given routes it answers 503.
 *
 * @param port 0: any free one
 * @throws where the port is taken
 */
export async function listenOn(port: number): Promise<Listening> {
  const server = createServer();
  server.on('request', notReady);
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new Error(`Port ${port} is taken by another program. Stop that one, or choose another port.`, {
        cause: error,
      });
    }
    throw error;
  }
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return {
    server,
    url: `http://127.0.0.1:${actual}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
