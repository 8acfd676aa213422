/**
 * Supabase Realtime's channels on a local PostgreSQL: broadcast from the database, from clients and by REST, presence,
 * replay, and private topics whose policies are those on realtime.messages. To be attached to an HTTP server.
 */
import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Duplex } from 'node:stream';
import postgres from 'postgres';
import { WebSocketServer } from 'ws';
import { startFeed } from './feed.ts';
import { Hub } from './hub.ts';
import { LIMITS, type RealtimeLimits } from './limits.ts';
import { handleRest } from './rest.ts';
import { RealtimeSocket } from './socket.ts';
import { systemTimers, type Timers } from './timers.ts';
import { Tokens } from './tokens.ts';
import { admitUpgrade, refuseUpgrade, UpgradeRefusal } from './upgrade.ts';

export interface RealtimeOptions {
  /** As a superuser: policies are asked by becoming the token's role. */
  readonly databaseUrl: string;
  /** Tokens and API keys are signed with it (HS256). */
  readonly jwtSecret: string;
  /** Publishable keys, and the JWT that each stands for. */
  readonly apiKeys: Readonly<Record<string, string>>;
  /** Its upgrades are all handled here, and destroyed where they are not for Realtime. */
  readonly server: Server;
  /** Gets errors that no client caused. Default: their message on the console. */
  readonly report?: (error: unknown) => void;
  readonly timers?: Timers;
  readonly limits?: Partial<RealtimeLimits>;
}

export interface Realtime {
  /** @returns whether the request is Realtime's; it answers then */
  handleRest(request: IncomingMessage, response: ServerResponse): boolean;
  /** Closes all sockets and connections. */
  stop(): Promise<void>;
  stats(): { readonly sockets: number; readonly channels: number; readonly topics: number };
}

const GAP =
  'The connection to the database was interrupted and messages may be missed: join again and read the present state';

const printError = (error: unknown): void => {
  console.error(`realtime: ${error instanceof Error ? error.message : 'unknown error'}`);
};

/**
 * @throws where the database cannot be reached
 *
 * @example
 * const realtime = await startRealtime({ databaseUrl, jwtSecret, apiKeys: { [publishable]: anonKey }, server });
 * server.on('request', (request, response) => realtime.handleRest(request, response) || other(request, response));
 */
export async function startRealtime(options: RealtimeOptions): Promise<Realtime> {
  const { databaseUrl, jwtSecret, apiKeys, server, report = printError, timers = systemTimers } = options;
  const limits = { ...LIMITS, ...options.limits };
  const tokens = new Tokens(jwtSecret, apiKeys, () => timers.now());
  const sql = postgres(databaseUrl, {
    max: 4,
    onnotice: () => undefined,
    connection: { application_name: 'kavach realtime' },
    backoff: (attempts) => Math.min(0.05 * 2 ** attempts, 1),
  });
  const hub: Hub = new Hub({ sql, tokens, timers, limits, report, fence: () => feed.fence() });
  const feed = await startFeed({
    databaseUrl,
    sql,
    timers,
    report,
    onMessage: (message) => hub.rooms.broadcast(message),
    onGap: () => hub.dropAll(GAP),
  });

  const upgrades = new WebSocketServer({ noServer: true, maxPayload: limits.messageBytes, clientTracking: false });
  const sockets = new Set<RealtimeSocket>();
  let arriving = 0;
  let stopped = false;

  const onUpgrade = (request: IncomingMessage, connection: Duplex, head: Buffer): void => {
    connection.on('error', () => connection.destroy());
    arriving += 1;
    admit(request)
      .then((socketOptions) => {
        upgrades.handleUpgrade(request, connection, head, (ws) => {
          const socket = new RealtimeSocket(ws, hub, socketOptions);
          sockets.add(socket);
          ws.on('close', () => sockets.delete(socket));
        });
      })
      .catch((error: unknown) => {
        if (!(error instanceof UpgradeRefusal)) report(error);
        refuseUpgrade(connection, error instanceof UpgradeRefusal ? error : new UpgradeRefusal(400, 'Not possible'));
      })
      .finally(() => {
        arriving -= 1;
      });
  };
  const admit = async (request: IncomingMessage) => {
    const admitted = await admitUpgrade(request, tokens);
    if (stopped) throw new UpgradeRefusal(503, 'The server is stopping');
    // Those still arriving are counted too, this one among them.
    if (sockets.size + arriving > limits.sockets) throw new UpgradeRefusal(503, `${limits.sockets} sockets are open`);
    return admitted;
  };
  server.on('upgrade', onUpgrade);

  return {
    handleRest: (request, response) => handleRest(hub, request, response),
    stats: () => ({ sockets: sockets.size, ...hub.rooms.size }),
    async stop() {
      stopped = true;
      server.off('upgrade', onUpgrade);
      for (const socket of sockets) socket.end();
      await feed.stop();
      await sql.end({ timeout: 1 });
    },
  };
}
