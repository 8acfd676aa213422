/** Who has joined which topic. A private and a public topic of the same name are two rooms. */
import { PREFIX, type Channel } from './channel.ts';
import { encodeBroadcast, type BroadcastMeta, type Vsn } from './frame.ts';

export interface RoomName {
  /** Without its prefix. */
  readonly topic: string;
  readonly isPrivate: boolean;
}

export interface RoomMessage extends RoomName {
  readonly event: string;
  readonly payload: unknown;
  readonly meta?: BroadcastMeta;
}

/** A key for maps by room. */
export const roomKey = ({ topic, isPrivate }: RoomName): string => `${isPrivate ? 'private' : 'public'}:${topic}`;

export class Rooms {
  readonly #rooms = new Map<string, Set<Channel>>();

  add(channel: Channel): void {
    const key = roomKey(channel);
    const room = this.#rooms.get(key);
    if (room) room.add(channel);
    else this.#rooms.set(key, new Set([channel]));
  }

  remove(channel: Channel): void {
    const key = roomKey(channel);
    const room = this.#rooms.get(key);
    room?.delete(channel);
    if (room?.size === 0) this.#rooms.delete(key);
  }

  /** A copy: who is sent something may leave by it. */
  in(room: RoomName): Channel[] {
    return [...(this.#rooms.get(roomKey(room)) ?? [])];
  }

  all(): Channel[] {
    return [...this.#rooms.values()].flatMap((room) => [...room]);
  }

  /** Sends a broadcast to all in its room who may read it. */
  broadcast(message: RoomMessage, except?: Channel): void {
    const { event, payload, meta } = message;
    const broadcast = { topic: PREFIX + message.topic, event, payload, ...(meta && { meta }) };
    // One frame for all of a version.
    const frames = new Map<Vsn, Buffer | string | undefined>();
    for (const channel of this.in(message)) {
      if (channel === except || !channel.may('readBroadcast')) continue;
      const { vsn } = channel.line;
      if (!frames.has(vsn)) frames.set(vsn, encodeBroadcast(vsn, broadcast));
      channel.deliver(broadcast, frames.get(vsn));
    }
  }

  get size(): { readonly channels: number; readonly topics: number } {
    let channels = 0;
    for (const room of this.#rooms.values()) channels += room.size;
    return { channels, topics: this.#rooms.size };
  }
}
