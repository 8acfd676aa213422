/** WebSockets without a network, with a Realtime server behind them that does what the test says. */
import { deferred, type Deferred } from '../../../src/testing/deferred.ts';
import type { WebSocketConstructor, WebSocketLike } from '../../../src/backend/line.ts';

/** A frame as the client sent it. */
export interface SentFrame {
  readonly joinRef: string | null;
  readonly ref: string | null;
  readonly topic: string;
  readonly event: string;
  readonly payload: Record<string, unknown>;
}

/** What comes, one after the other. */
export class Inbox<T> {
  readonly all: T[] = [];
  #read = 0;
  #wake: Deferred<void> | undefined;

  add(item: T): void {
    this.all.push(item);
    this.#wake?.resolve();
  }

  /** The next one, now or later. */
  async next(): Promise<T> {
    while (this.#read >= this.all.length) {
      this.#wake = deferred();
      await this.#wake.promise;
    }
    this.#read += 1;
    return this.all[this.#read - 1]!;
  }
}

/** One connection, seen from the server. */
export class FakeSocket implements WebSocketLike {
  readyState = 0;
  readonly bufferedAmount = 0;
  binaryType = 'blob';
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly sent = new Inbox<SentFrame>();

  constructor(
    readonly address: string,
    readonly server: FakeRealtime,
  ) {}

  send(data: unknown): void {
    const [joinRef, ref, topic, event, payload] = JSON.parse(String(data)) as [string, string, string, string, never];
    this.sent.add({ joinRef, ref, topic, event, payload });
    if (topic === 'phoenix' && this.server.isAlive) this.push(topic, 'phx_reply', { status: 'ok', response: {} }, ref);
  }

  close(): void {
    if (this.readyState === 3) return;
    this.readyState = 2;
    if (this.server.isPolite) queueMicrotask(() => this.drop());
  }

  /** The connection is made. */
  accept(): void {
    this.readyState = 1;
    this.onopen?.({} as never);
  }

  /** The connection is over. */
  drop(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.({} as never);
  }

  /** Something arrives. */
  receive(data: unknown): void {
    this.onmessage?.({ data } as never);
  }

  /** A message arrives. */
  push(topic: string, event: string, payload: unknown, ref: string | null = null, joinRef: string | null = null): void {
    this.receive(JSON.stringify([joinRef, ref, topic, event, payload]));
  }

  /** Accepts the connection and answers its join. */
  async join(status: 'ok' | 'error' = 'ok'): Promise<SentFrame> {
    this.accept();
    const join = await this.sent.next();
    const response = status === 'ok' ? { postgres_changes: [] } : { reason: 'Unauthorized' };
    this.push(join.topic, 'phx_reply', { status, response }, join.ref, join.joinRef);
    return join;
  }

  /** A broadcast arrives on the channel that was joined, as binary frame of kind 4. */
  broadcast(topic: string, payload: unknown): void {
    const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
    const [name, event, body] = [encode(`realtime:${topic}`), encode('kill'), encode(JSON.stringify(payload))];
    const head = Uint8Array.of(4, name.length, event.length, 0, 1);
    this.receive(new Uint8Array(Buffer.concat([head, name, event, body])).buffer);
  }
}

/** Makes the connections. */
export class FakeRealtime {
  readonly sockets = new Inbox<FakeSocket>();
  /** Whether it answers goodbyes. */
  isPolite = true;
  /** Whether it answers heartbeats. */
  isAlive = true;

  get transport(): WebSocketConstructor {
    const made = (address: string): FakeSocket => {
      const socket = new FakeSocket(address, this);
      this.sockets.add(socket);
      return socket;
    };
    return function (address: string) {
      return made(address);
    } as unknown as WebSocketConstructor;
  }
}
