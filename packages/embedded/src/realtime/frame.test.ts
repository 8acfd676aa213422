import { createClient } from '@supabase/supabase-js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeBinary, decodeText, encode, encodeBroadcast, type Message } from './frame.ts';

/** What the client speaks. */
const { serializer } = createClient('http://127.0.0.1:1', 'key').realtime;

interface ClientMessage {
  readonly topic: string;
  readonly event: string;
  readonly payload: unknown;
}

function decodedByClient(frame: Buffer | string | undefined): ClientMessage {
  let message: ClientMessage | undefined;
  const data = Buffer.isBuffer(frame) ? new Uint8Array(frame).buffer : (frame ?? '');
  serializer.decode(data, (decoded: ClientMessage) => {
    message = decoded;
  });
  return message!;
}

const name = fc.string({ unit: 'grapheme', maxLength: 20 });
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);

it('reads the client’s broadcasts', () => {
  fc.assert(
    fc.property(name, name, fc.option(name), json, (topic, event, ref, payload) => {
      serializer.encode(
        { topic, event: 'broadcast', ref, join_ref: ref, payload: { type: 'broadcast', event, payload } },
        (frame) => {
          const expected = {
            topic,
            event: 'broadcast',
            ref: ref === '' ? null : ref,
            joinRef: ref === '' ? null : ref,
            // The client's own reading of `null`.
            payload: { type: 'broadcast', event, payload: payload ?? {} },
          };
          expect(decodeBinary(Buffer.from(frame as ArrayBuffer))).toEqual(expected);
        },
      );
    }),
  );
});

it('is read by the client', () => {
  fc.assert(
    fc.property(name, name, json, fc.option(fc.uuid(), { nil: undefined }), (topic, event, payload, id) => {
      const meta = id === undefined ? {} : { meta: { id } };
      const read = decodedByClient(encodeBroadcast('2.0.0', { topic, event, payload, ...meta }));
      expect(read).toMatchObject({
        topic,
        event: 'broadcast',
        payload: { type: 'broadcast', event, payload, ...meta },
      });
    }),
  );
  const bytes = decodedByClient(encodeBroadcast('2.0.0', { topic: 't', event: 'e', payload: Uint8Array.of(1, 2) }));
  expect(bytes.payload).toMatchObject({ payload: Uint8Array.of(1, 2).buffer });
  expect(encodeBroadcast('1.0.0', { topic: 't', event: 'e', payload: Uint8Array.of(1) })).toBeUndefined();
});

it('reads what it writes', () => {
  fc.assert(
    fc.property(name, name, fc.option(name), json, (topic, event, ref, payload) => {
      const message: Message = { topic, event, ref, joinRef: null, payload };
      for (const vsn of ['1.0.0', '2.0.0'] as const) expect(decodeText(vsn, encode(vsn, message))).toEqual(message);
    }),
  );
});

it('takes anything else for noise', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const frame = Buffer.from(bytes);
      expect(() => decodeBinary(frame)).not.toThrow();
      expect(() => decodeBinary(Buffer.concat([Buffer.from([3]), frame]))).not.toThrow();
      expect(() => decodeText('2.0.0', frame.toString())).not.toThrow();
    }),
  );
  for (const text of ['', '{', 'null', '[]', '{}', '["1","1","t"]', '[1,"1","t","e",{}]', '["1","1",null,"e",{}]']) {
    expect(decodeText('2.0.0', text)).toBeUndefined();
    expect(decodeText('1.0.0', text)).toBeUndefined();
  }
  // Lengths that lead past the end.
  expect(decodeBinary(Buffer.from([3, 255, 255, 255, 255, 255, 1, 1]))).toBeUndefined();
  expect(decodeBinary(Buffer.from([4, 0, 0, 0, 0, 0, 1]))).toBeUndefined();
});
