/**
 * Finds the network socket under a WebSocket of Node, which has no `unref()` of its own: an open one would keep a process
 * alive for ever. Node tells on a diagnostics channel which socket a request went out on; the request is known by its path.
 * https://undici.nodejs.org/#/docs/api/DiagnosticsChannel.md
 */

/** What Node's `net.Socket` can do. */
export interface NetworkSocket {
  unref(): void;
  ref(): void;
  destroy(): void;
}

interface Diagnostics {
  subscribe(name: string, listener: (message: unknown) => void): void;
  unsubscribe(name: string, listener: (message: unknown) => void): void;
}

const REQUEST_SENT = 'undici:client:sendHeaders';

/**
 * Waits for the socket that carries the request whose path holds `marker`.
 *
 * @returns a function that stops looking. Where the runtime is not Node, nothing is ever found.
 */
export function findSocket(marker: string, onFound: (socket: NetworkSocket) => void): () => void {
  const diagnostics = diagnosticsOfNode();
  if (diagnostics === undefined) return () => undefined;
  const stop = (): void => diagnostics.unsubscribe(REQUEST_SENT, look);
  const look = (message: unknown): void => {
    const path = member(member(message, 'request'), 'path');
    const socket = member(message, 'socket');
    if (typeof path !== 'string' || !path.includes(marker) || !isNetworkSocket(socket)) return;
    stop();
    onFound(socket);
  };
  diagnostics.subscribe(REQUEST_SENT, look);
  return stop;
}

function diagnosticsOfNode(): Diagnostics | undefined {
  const load = member(member(globalThis, 'process'), 'getBuiltinModule');
  if (typeof load !== 'function') return undefined;
  const found: unknown = Reflect.apply(load, undefined, ['node:diagnostics_channel']);
  return typeof member(found, 'subscribe') === 'function' ? (found as Diagnostics) : undefined;
}

function isNetworkSocket(value: unknown): value is NetworkSocket {
  return ['unref', 'ref', 'destroy'].every((method) => typeof member(value, method) === 'function');
}

function member(value: unknown, key: string): unknown {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
    ? (Reflect.get(value, key) as unknown)
    : undefined;
}
