/** A topic that a socket has joined. */
import { type Access } from './access.ts';
import { encode, encodeBroadcast, type Broadcast, type Vsn } from './frame.ts';
import { type Claims } from './tokens.ts';

/** Every topic's prefix on the wire. */
export const PREFIX = 'realtime:';

/** The socket of a channel, as far as the channel knows it. */
export interface Line {
  readonly vsn: Vsn;
  send(data: string | Buffer): void;
}

export interface ChannelOptions {
  readonly line: Line;
  /** Without its prefix. */
  readonly topic: string;
  readonly joinRef: string | null;
  readonly isPrivate: boolean;
  /** Gets its own broadcasts too. */
  readonly self: boolean;
  /** Gets an answer to each broadcast. */
  readonly acknowledged: boolean;
  readonly presence: boolean;
  readonly presenceKey: string;
  readonly claims: Claims;
  /** `null` on a public topic, where everybody may do everything. */
  readonly access: Access | null;
}

export class Channel {
  readonly line: Line;
  readonly topic: string;
  readonly joinRef: string | null;
  readonly isPrivate: boolean;
  readonly self: boolean;
  readonly acknowledged: boolean;
  readonly presence: boolean;
  readonly presenceKey: string;
  claims: Claims;
  access: Access | null;
  /** Set to what ends the alarm for the token's end. */
  disarm: () => void = () => undefined;
  /** False once it was dropped. */
  live = true;
  /** Broadcasts that came while older ones were being looked up. */
  #held: Broadcast[] | null = null;
  readonly #replayed = new Set<string>();

  constructor(options: ChannelOptions) {
    this.line = options.line;
    this.topic = options.topic;
    this.joinRef = options.joinRef;
    this.isPrivate = options.isPrivate;
    this.self = options.self;
    this.acknowledged = options.acknowledged;
    this.presence = options.presence;
    this.presenceKey = options.presenceKey;
    this.claims = options.claims;
    this.access = options.access;
  }

  may(right: keyof Access): boolean {
    return this.access === null || this.access[right];
  }

  push(event: string, payload: unknown): void {
    const message = { joinRef: this.joinRef, ref: null, topic: PREFIX + this.topic, event, payload };
    this.line.send(encode(this.line.vsn, message));
  }

  /** @param encoded the same broadcast for this version, where it was made before */
  deliver(broadcast: Broadcast, encoded = encodeBroadcast(this.line.vsn, broadcast)): void {
    if (broadcast.meta && this.#replayed.has(broadcast.meta.id)) return;
    if (this.#held) this.#held.push(broadcast);
    else if (encoded !== undefined) this.line.send(encoded);
  }

  /** From now on broadcasts wait for `release`. */
  hold(): void {
    this.#held = [];
  }

  /** Sends older broadcasts, then what came meanwhile; none of them twice. */
  release(older: readonly Broadcast[]): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const broadcast of older) this.deliver(broadcast);
    for (const { meta } of older) if (meta) this.#replayed.add(meta.id);
    for (const broadcast of held) this.deliver(broadcast);
  }
}
