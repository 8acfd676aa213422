/** One client's WebSocket: its messages one after the other, its channels, and the limits on both. */
import { WebSocket, type RawData } from 'ws';
import { handleOn, type Reply } from './channel-events.ts';
import { type Channel, type Line } from './channel.ts';
import { decodeBinary, decodeText, encode, type Message, type Vsn } from './frame.ts';
import { type Hub } from './hub.ts';
import { join, JoinRefusal } from './join.ts';
import { Pace } from './limits.ts';
import { type Claims } from './tokens.ts';

export interface SocketOptions {
  readonly vsn: Vsn;
  /** Of the key that it was opened with. */
  readonly claims: Claims;
  readonly headers: Readonly<Record<string, string>>;
}

const [GOING_AWAY, NOT_UNDERSTOOD, TOO_MUCH] = [1001, 1007, 1008];

export class RealtimeSocket {
  readonly #ws: WebSocket;
  readonly #hub: Hub;
  readonly #options: SocketOptions;
  readonly #line: Line;
  /** By topic with its prefix. */
  readonly #channels = new Map<string, Channel>();
  readonly #messages: Pace;
  readonly #joins: Pace;
  #last: Promise<void> = Promise.resolve();
  #pending = 0;
  #heardAt: number;
  #unwatch: () => void = () => undefined;

  constructor(ws: WebSocket, hub: Hub, options: SocketOptions) {
    this.#ws = ws;
    this.#hub = hub;
    this.#options = options;
    this.#line = { vsn: options.vsn, send: (data) => this.#send(data) };
    const now = () => hub.timers.now();
    this.#messages = new Pace(hub.limits.messagesPerSecond, now);
    this.#joins = new Pace(hub.limits.joinsPerSecond, now);
    this.#heardAt = now();
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    ws.on('close', () => this.#closed());
    // A broken frame or connection: `close` follows.
    ws.on('error', () => undefined);
    this.#watch();
  }

  /** Ends the connection; the client connects again. */
  end(): void {
    this.#ws.close(GOING_AWAY);
    this.#ws.terminate();
  }

  #send(data: string | Buffer): void {
    if (this.#ws.readyState !== WebSocket.OPEN) return;
    if (this.#ws.bufferedAmount > this.#hub.limits.backlogBytes) {
      // What it does not read would be kept for it without end.
      this.#ws.terminate();
      return;
    }
    this.#ws.send(data);
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#ws.readyState !== WebSocket.OPEN) return;
    this.#heardAt = this.#hub.timers.now();
    if (!this.#messages.allows() || this.#pending >= this.#hub.limits.pendingMessages) {
      this.#ws.close(TOO_MUCH, 'too many messages');
      return;
    }
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);
    const message = isBinary ? decodeBinary(bytes) : decodeText(this.#options.vsn, bytes.toString());
    if (!message) {
      this.#ws.close(NOT_UNDERSTOOD, 'not a message');
      return;
    }
    // A heartbeat does not wait for a slow join.
    if (message.topic === 'phoenix') {
      this.#reply(message, { status: 'ok', response: {} });
      return;
    }
    this.#pending += 1;
    this.#last = this.#last
      .then(() => this.#handle(message))
      .catch(this.#hub.report)
      .finally(() => {
        this.#pending -= 1;
      });
  }

  async #handle(message: Message): Promise<void> {
    if (this.#ws.readyState !== WebSocket.OPEN) return;
    if (message.event === 'phx_join') {
      await this.#join(message);
      return;
    }
    const channel = this.#channels.get(message.topic);
    if (!channel?.live) {
      this.#reply(message, { status: 'error', response: { reason: 'unmatched topic' } });
      return;
    }
    this.#reply(message, await handleOn(this.#hub, channel, message, this.#options.headers));
    if (message.event === 'phx_leave') this.#leave(message.topic, channel);
  }

  async #join(message: Message): Promise<void> {
    const { limits } = this.#hub;
    const before = this.#channels.get(message.topic);
    if (before) this.#leave(message.topic, before);
    try {
      if (!this.#joins.allows()) {
        throw new JoinRefusal(`ClientJoinRateLimitReached: ${limits.joinsPerSecond} joins per second`);
      }
      if (this.#liveChannels() >= limits.channelsPerSocket) {
        throw new JoinRefusal(`ChannelRateLimitReached: ${limits.channelsPerSocket} channels per connection`);
      }
      const joiner = { line: this.#line, claims: this.#options.claims, headers: this.#options.headers };
      await join(this.#hub, joiner, message, (channel) => {
        if (this.#ws.readyState !== WebSocket.OPEN) return false;
        this.#channels.set(message.topic, channel);
        this.#reply(message, { status: 'ok', response: { postgres_changes: [] } });
        return true;
      });
    } catch (error) {
      if (!(error instanceof JoinRefusal)) throw error;
      this.#reply(message, { status: 'error', response: { reason: error.message } });
    }
  }

  #leave(topic: string, channel: Channel): void {
    this.#channels.delete(topic);
    this.#hub.drop(channel);
  }

  /** Channels that were dropped stay in the map until they are counted. */
  #liveChannels(): number {
    for (const [topic, channel] of this.#channels) if (!channel.live) this.#channels.delete(topic);
    return this.#channels.size;
  }

  #reply(message: Message, reply: Reply): void {
    if (reply) this.#send(encode(this.#options.vsn, { ...message, event: 'phx_reply', payload: reply }));
  }

  #watch(): void {
    const quietAt = this.#heardAt + this.#hub.limits.silenceMs;
    this.#unwatch = this.#hub.timers.after(quietAt - this.#hub.timers.now(), () => {
      if (this.#hub.timers.now() >= this.#heardAt + this.#hub.limits.silenceMs) this.#ws.terminate();
      else this.#watch();
    });
  }

  #closed(): void {
    this.#unwatch();
    for (const channel of this.#channels.values()) this.#hub.drop(channel);
    this.#channels.clear();
  }
}
