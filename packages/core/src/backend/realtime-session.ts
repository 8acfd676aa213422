/**
 * One join of a private Realtime channel over one connection, from the first byte to the last. It ends once, for whatever
 * reason, and is not used again: joining anew is another session.
 */
import type { RealtimeChannel } from '@supabase/realtime-js';
import type { ControlMessage, RealtimeGrant } from '../wire/index.ts';
import type { After } from './after.ts';
import { readControlMessage } from './answers.ts';
import { Line, type WebSocketConstructor } from './line.ts';

/** What a session is made of. */
export interface SessionOptions {
  readonly transport: WebSocketConstructor;
  readonly after: After;
  /** Milliseconds between heartbeats; a connection on which nothing was received from one to the next is dead. */
  readonly heartbeatMs: number;
  /** Milliseconds to connect and join in. */
  readonly joinMs: number;
  readonly onMessage: (message: ControlMessage) => void;
  readonly onLive: () => void;
  /** Once, unless {@link RealtimeSession.end} came before. */
  readonly onOver: () => void;
}

/** How long a polite goodbye may take. */
const GOODBYE_MS = 1_000;

/** References of our own frames, far above those that realtime-js counts up from 1. */
const FIRST_REF = 1_000_000_000;

/** One join. */
export class RealtimeSession {
  readonly #options: SessionOptions;
  #line: Line | undefined;
  #channel: RealtimeChannel | undefined;
  #push: ((event: string, topic: string, payload: Record<string, unknown>, joinRef?: string) => void) | undefined;
  #onOpen: (() => void) | undefined;
  #isOver = false;
  #isLive = false;
  #heard = true;
  #ref = FIRST_REF;
  #cancel: () => void;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#cancel = options.after(options.joinMs, () => this.#over());
  }

  /** Connects and joins. A failure is told to `onOver`, never thrown. */
  async join(grant: RealtimeGrant): Promise<void> {
    try {
      const { RealtimeClient } = await import('@supabase/realtime-js');
      if (this.#isOver) return;
      const openLine = (address: string): Line => this.#open(address);
      const client = new (class extends RealtimeClient {
        /** The library's own leaves a timer of ten seconds behind; the session ends its line itself. */
        override async disconnect(): Promise<'ok'> {
          return 'ok';
        }
      })(grant.url, {
        params: { apikey: grant.apiKey },
        // Called with `new`; what a constructor returns is what `new` gives.
        transport: function (address: string | URL) {
          return openLine(String(address));
        } as unknown as new (address: string | URL) => Line,
        disconnectOnEmptyChannelsAfterMs: 0,
      });
      this.#push = (event, topic, payload, joinRef) => {
        this.#ref += 1;
        const ref = { ref: String(this.#ref), ...(joinRef === undefined ? {} : { join_ref: joinRef }) };
        client.push({ topic, event, payload, ...ref });
      };
      // Without a token set before, the first join would go out with none.
      await client.setAuth(grant.token);
      if (this.#isOver) return;
      this.#onOpen = () => this.#subscribe(client.channel(grant.topic, { config: { private: true } }));
      client.connect();
    } catch {
      this.#over();
    }
  }

  /** Hands in a new token before the old one runs out. */
  renew(token: string): void {
    if (!this.#isLive || this.#channel === undefined) return;
    // Not setAuth(): it waits with a timer for a reply that the server does not send.
    const joinRef = this.#channel.joinPush.ref ?? undefined;
    this.#push?.('access_token', this.#channel.topic, { access_token: token }, joinRef);
  }

  /** Ends it; `onOver` is not called any more. The promise is there when the connection is closed, or dropped. */
  async end(): Promise<void> {
    const isFirst = this.#stop();
    const line = this.#line;
    if (line === undefined) return;
    if (!isFirst || line.readyState !== line.OPEN) {
      line.destroy();
      return;
    }
    line.close();
    await new Promise<void>((resolve) => {
      const cancel = this.#options.after(GOODBYE_MS, resolve);
      void line.closed.then(() => {
        cancel();
        resolve();
      });
    });
    line.destroy();
  }

  /** Not before the connection is made: the library waits for the reply with a timer that holds the process. */
  #subscribe(channel: RealtimeChannel): void {
    this.#channel = channel;
    channel.on('broadcast', { event: '*' }, ({ payload }) => this.#receive(payload));
    // The library's time-out comes after ours, which leaves no timer behind.
    channel.subscribe((status) => this.#changed(status), 2 * this.#options.joinMs);
  }

  #open(address: string): Line {
    const listener = {
      onOpen: () => this.#onOpen?.(),
      onTraffic: () => (this.#heard = true),
      onEnd: () => this.#over(),
    };
    this.#line = new Line(this.#options.transport, address, listener);
    return this.#line;
  }

  #changed(status: string): void {
    if (this.#isOver) return;
    if (status !== 'SUBSCRIBED') return this.#over();
    this.#isLive = true;
    this.#cancel();
    this.#beat();
    this.#options.onLive();
  }

  #beat(): void {
    if (!this.#heard) return this.#over();
    this.#heard = false;
    this.#push?.('heartbeat', 'phoenix', {});
    this.#cancel = this.#options.after(this.#options.heartbeatMs, () => this.#beat());
  }

  #receive(payload: unknown): void {
    let message: ControlMessage;
    try {
      message = readControlMessage(payload);
    } catch {
      return; // The next poll tells what it should have told.
    }
    this.#options.onMessage(message);
  }

  /** The connection is of no use any more; nobody is left to say goodbye to. */
  #over(): void {
    if (!this.#stop()) return;
    this.#line?.destroy();
    this.#options.onOver();
  }

  #stop(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#isLive = false;
    this.#cancel();
    this.#channel?.teardown(); // ends the library's timers of the join
    return true;
  }
}
