/** Who is there: what each channel tells of itself, by key, in the form that Phoenix' presence has. */
import { randomUUID } from 'node:crypto';
import { type Channel } from './channel.ts';
import { roomKey, type Rooms } from './rooms.ts';

interface Meta extends Readonly<Record<string, unknown>> {
  readonly phx_ref: string;
}

type Entries = Readonly<Record<string, { readonly metas: readonly Meta[] }>>;

export class Presence {
  readonly #rooms: Rooms;
  /** By room, then by channel. */
  readonly #tracked = new Map<string, Map<Channel, Meta>>();

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** Tells the others what a channel is, or is now. */
  track(channel: Channel, payload: Readonly<Record<string, unknown>>): void {
    const room = roomKey(channel);
    const metas = this.#tracked.get(room) ?? new Map<Channel, Meta>();
    this.#tracked.set(room, metas);
    const before = metas.get(channel);
    const meta = {
      ...payload,
      phx_ref: randomUUID().slice(0, 13),
      ...(before && { phx_ref_prev: before.phx_ref }),
    };
    metas.set(channel, meta);
    this.#tell(channel, entry(channel, meta), before ? entry(channel, before) : {});
  }

  untrack(channel: Channel): void {
    const room = roomKey(channel);
    const metas = this.#tracked.get(room);
    const meta = metas?.get(channel);
    if (!metas || !meta) return;
    metas.delete(channel);
    if (metas.size === 0) this.#tracked.delete(room);
    this.#tell(channel, {}, entry(channel, meta));
  }

  /** All who are in a channel's room. */
  stateFor(channel: Channel): Entries {
    const state = new Map<string, Meta[]>();
    for (const [{ presenceKey }, meta] of this.#tracked.get(roomKey(channel)) ?? []) {
      state.set(presenceKey, [...(state.get(presenceKey) ?? []), meta]);
    }
    return Object.fromEntries([...state].map(([key, metas]) => [key, { metas }]));
  }

  #tell(channel: Channel, joins: Entries, leaves: Entries): void {
    for (const other of this.#rooms.in(channel)) {
      if (other.presence && other.may('readPresence')) other.push('presence_diff', { joins, leaves });
    }
  }
}

/** A computed name is a property of its own, also where a client calls itself `__proto__`. */
const entry = ({ presenceKey }: Channel, meta: Meta): Entries => ({ [presenceKey]: { metas: [meta] } });
