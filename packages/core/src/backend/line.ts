/**
 * The WebSocket that realtime-js is given. It keeps from the library what the library would answer with timers that hold a
 * process for seconds (the end of the connection), survives frames that the library cannot read, and can always be ended.
 */
import { findSocket, type NetworkSocket } from './unref-socket.ts';

/** The part of the WebSocket standard that is used here; both Node's own and the `ws` package's have it. */
export interface WebSocketLike {
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: never): void;
  close(code?: number): void;
}

/** Makes a connection to an address. */
export type WebSocketConstructor = new (address: string) => WebSocketLike;

/** Longer frames are no control messages. */
const MOST_FRAME_BYTES = 1_000_000;

/** Who hears of a line. */
export interface LineListener {
  /** The connection is made, and realtime-js knows. */
  onOpen(): void;
  /** Something was received, whatever it was. */
  onTraffic(): void;
  /** The connection is over, or was never made. */
  onEnd(): void;
}

/** One connection. */
export class Line {
  /** realtime-js asks for it: its own heartbeat would hold the process, so the session sends one. */
  readonly skipHeartbeat = true;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;
  readonly protocol = '';
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  /** Set by realtime-js and never called: it would reconnect by itself. */
  onclose: ((event: CloseEvent) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  readonly url: string;
  readonly #socket: WebSocketLike;
  readonly #stopLooking: () => void;
  #network: NetworkSocket | undefined;
  #isOver = false;
  readonly #closed: Promise<void>;

  constructor(transport: WebSocketConstructor, address: string, listener: LineListener) {
    // Servers leave out parameters that they do not know; this one makes the request known among the process's own.
    const marker = `guard=${crypto.randomUUID()}`;
    this.url = `${address}${address.includes('?') ? '&' : '?'}${marker}`;
    this.#stopLooking = findSocket(marker, (network) => {
      this.#network = network;
      network.unref();
    });
    try {
      this.#socket = new transport(this.url);
    } catch (error) {
      this.#stopLooking();
      throw error;
    }
    this.#closed = this.#listen(listener);
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  get binaryType(): string {
    return this.#socket.binaryType;
  }

  set binaryType(type: string) {
    this.#socket.binaryType = type;
  }

  send(data: unknown): void {
    if (this.#socket.readyState === this.OPEN) this.#socket.send(data as never);
  }

  addEventListener(): void {
    // The interface asks for it; realtime-js sets handlers only.
  }

  removeEventListener(): void {
    // As above.
  }

  /** Says goodbye. Nothing is reported any more. */
  close(): void {
    this.#isOver = true;
    this.#stopLooking();
    this.#socket.close();
  }

  /** There when the connection is closed on both sides. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** Drops the connection without waiting for the other side; where the runtime cannot, it ends when its network says so. */
  destroy(): void {
    this.close();
    this.#network?.destroy();
  }

  #listen(listener: LineListener): Promise<void> {
    const socket = this.#socket;
    socket.onopen = (event: Event) => {
      this.#stopLooking();
      // The handshake's client has marked the socket as in use.
      this.#network?.unref();
      if (this.#isOver) return;
      this.onopen?.(event);
      listener.onOpen();
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (this.#isOver) return;
      listener.onTraffic();
      if (sizeOf(event.data) > MOST_FRAME_BYTES) return;
      try {
        this.onmessage?.(event);
      } catch {
        // A frame that is no message. An error here would end the process.
      }
    };
    socket.onerror = () => undefined; // `close` follows.
    return new Promise((resolve) => {
      socket.onclose = () => {
        this.#stopLooking();
        resolve();
        if (this.#isOver) return;
        this.#isOver = true;
        listener.onEnd();
      };
    });
  }
}

function sizeOf(data: unknown): number {
  if (typeof data === 'string') return data.length;
  return data instanceof ArrayBuffer ? data.byteLength : Number.POSITIVE_INFINITY;
}
