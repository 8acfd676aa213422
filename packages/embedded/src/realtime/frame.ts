/**
 * Phoenix messages on the wire: JSON objects (vsn 1.0.0), JSON arrays and binary frames (vsn 2.0.0).
 * Layout of the binary frames: @supabase/realtime-js, src/lib/serializer.ts.
 */
import { z } from 'zod';
import { LIMITS } from './limits.ts';

export type Vsn = '1.0.0' | '2.0.0';

export interface Message {
  readonly joinRef: string | null;
  readonly ref: string | null;
  /** With its prefix `realtime:`. */
  readonly topic: string;
  readonly event: string;
  readonly payload: unknown;
}

const USER_BROADCAST_PUSH = 3;
const USER_BROADCAST = 4;
const JSON_ENCODING = 1;

/** Longer than any name that is accepted: a topic that is too long is answered, not taken for noise. */
const name = z.string().max(4 * LIMITS.nameBytes);
const refs = name.nullish().transform((ref) => ref ?? null);
const arraySchema = z.tuple([refs, refs, name, name, z.unknown()]);
const objectSchema = z.object({
  join_ref: refs,
  ref: refs,
  topic: name,
  event: name,
  payload: z.unknown().optional(),
});

/** @returns `undefined` for what is no message */
export function decodeText(vsn: Vsn, text: string): Message | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (vsn === '2.0.0') {
    const { data } = arraySchema.safeParse(json);
    return data && { joinRef: data[0], ref: data[1], topic: data[2], event: data[3], payload: data[4] };
  }
  const { data } = objectSchema.safeParse(json);
  return data && { joinRef: data.join_ref, ref: data.ref, topic: data.topic, event: data.event, payload: data.payload };
}

/** @returns a message of the event `broadcast`; `undefined` for what is none */
export function decodeBinary(frame: Buffer): Message | undefined {
  if (frame.length < 7 || frame[0] !== USER_BROADCAST_PUSH) return undefined;
  let offset = 7;
  const parts = [...frame.subarray(1, 6)].map((length) => {
    const part = frame.subarray(offset, offset + length);
    offset += length;
    return part;
  });
  if (offset > frame.length) return undefined;
  const [joinRef = '', ref = '', topic = '', event = '', meta = ''] = parts.map((part) => part.toString());
  const rest = frame.subarray(offset);
  try {
    const payload: unknown = frame[6] === JSON_ENCODING ? JSON.parse(rest.toString() || '{}') : new Uint8Array(rest);
    const more: unknown = meta === '' ? {} : JSON.parse(meta);
    return {
      joinRef: joinRef || null,
      ref: ref || null,
      topic,
      event: 'broadcast',
      payload: { ...(typeof more === 'object' ? more : {}), type: 'broadcast', event, payload },
    };
  } catch {
    return undefined;
  }
}

export function encode(vsn: Vsn, { joinRef, ref, topic, event, payload }: Message): string {
  return vsn === '2.0.0'
    ? JSON.stringify([joinRef, ref, topic, event, payload])
    : JSON.stringify({ join_ref: joinRef, ref, topic, event, payload });
}

/** What a message that was broadcast carries beside its payload. */
export interface BroadcastMeta {
  /** The row in realtime.messages. */
  readonly id: string;
  readonly replayed?: true;
}

export interface Broadcast {
  /** With its prefix. */
  readonly topic: string;
  readonly event: string;
  readonly payload: unknown;
  readonly meta?: BroadcastMeta;
}

/** @returns a frame, or `undefined` where this version cannot carry the message: bytes have no JSON */
export function encodeBroadcast(vsn: Vsn, { topic, event, payload, meta }: Broadcast): Buffer | string | undefined {
  const bytes = payload instanceof Uint8Array ? payload : undefined;
  const heads = [topic, event, meta ? JSON.stringify(meta) : ''].map((text) => Buffer.from(text));
  const fits = heads.every(({ length }) => length <= LIMITS.nameBytes);
  if (vsn === '2.0.0' && fits) {
    const body = bytes ?? Buffer.from(JSON.stringify(payload ?? null));
    const lengths = heads.map(({ length }) => length);
    return Buffer.concat([Buffer.from([USER_BROADCAST, ...lengths, bytes ? 0 : JSON_ENCODING]), ...heads, body]);
  }
  if (bytes) return undefined;
  const message = { type: 'broadcast', event, payload: payload ?? null, ...(meta && { meta }) };
  return encode(vsn, { joinRef: null, ref: null, topic, event: 'broadcast', payload: message });
}
