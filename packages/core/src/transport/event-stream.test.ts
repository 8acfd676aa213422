import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StreamMeter } from '../call.ts';
import type { StreamReader } from '../providers/draft.ts';
import { EventStream } from './event-stream.ts';
import type { Fields } from './request.ts';

const nothing = (): void => undefined;
const METER: StreamMeter = {
  output: nothing,
  usage: nothing,
  model: nothing,
  toolCall: nothing,
  failed: nothing,
  ended: nothing,
};

/** Reads bytes in the given pieces. */
async function read(pieces: readonly Uint8Array[], hides?: (data: Fields) => boolean, meter: StreamMeter = METER) {
  const seen: Fields[] = [];
  const reader: StreamReader = { hides, hasEnded: false, event: (data) => void seen.push(data) };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  const events = new EventStream(body, reader);
  let shown = '';
  const decoder = new TextDecoder();
  for await (const bytes of events) {
    events.meter(bytes, meter);
    shown += decoder.decode(bytes, { stream: true });
  }
  return { seen, shown, isWhole: events.isWhole() };
}

/** A text's bytes, cut at the given places. */
function cut(text: string, places: readonly number[]): Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  const sorted = [...new Set(places.map((place) => place % bytes.length))].sort((a, b) => a - b);
  return [...sorted, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : sorted[i - 1], end));
}

const TEXT =
  ': a comment\n\nevent: start\ndata: {"n":1,"text":"Grüße 🎉"}\n\ndata: {"n":2}\r\n\r\ndata: {"n":\ndata: 3}\n\ndata: [DONE]\n\n';
const EVENTS = [{ n: 1, text: 'Grüße 🎉' }, { n: 2 }, { n: 3 }];

describe('a stream of events', () => {
  it('is read the same wherever its bytes are cut, and passes on unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 30 }), async (places) => {
        const { seen, shown } = await read(cut(TEXT, places));
        expect(seen).toEqual(EVENTS);
        expect(shown).toBe(TEXT);
      }),
    );
  });

  it('passes on all but what is hidden, wherever its bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 30 }), async (places) => {
        const { seen, shown } = await read(cut(TEXT, places), (data) => data['n'] === 2);
        expect(seen).toEqual(EVENTS);
        expect(shown).toBe(TEXT.replace('data: {"n":2}\r\n\r\n', ''));
      }),
    );
  });

  it('takes what no empty line follows for an event, and an error without the form of one', async () => {
    const bytes = (text: string) => [new TextEncoder().encode(text)];
    expect(await read(bytes('data: {"n":1}\n\ndata: {"n":2}'))).toMatchObject({ seen: [{ n: 1 }, { n: 2 }] });
    expect(await read(bytes('{"error":{"code":503}}'))).toMatchObject({ seen: [{ error: { code: 503 } }] });
    const held = 'data: {"n":2}';
    expect((await read(bytes(held), () => false)).shown).toBe(held);
  });

  it('is read the same however its lines end', async () => {
    const end = fc.constantFrom('\n', '\r\n', '\r');
    // An LF after a CR is no line of its own.
    const ends = fc.tuple(end, end).filter(([line, empty]) => line !== '\r' || empty !== '\n');
    await fc.assert(
      fc.asyncProperty(ends, fc.array(fc.nat(), { maxLength: 30 }), async ([line, empty], places) => {
        const lines = TEXT.replaceAll('\r', '').split('\n\n');
        const text = lines.map((event) => event.replaceAll('\n', line)).join(line + empty);
        const { seen, shown } = await read(cut(text, places));
        expect(seen).toEqual(EVENTS);
        expect(shown).toBe(text);
      }),
    );
  });

  it('says where it was cut short, or ends with an error that is no JSON', async () => {
    let failed = 0;
    const meter = { ...METER, failed: () => (failed += 1) };
    expect((await read(cut(TEXT, []), undefined, meter)).isWhole).toBe(true);
    expect((await read(cut('data: {"n":1}\n\n', []), undefined, meter)).isWhole).toBe(false);
    expect((await read([], undefined, meter)).isWhole).toBe(false);
    expect(failed).toBe(0);
    await read(cut('event: error\ndata: overloaded\n\ndata: [DONE]\n\n', []), undefined, meter);
    expect(failed).toBe(1);
  });

  it('is read once where an event is long, as one with an image is', async () => {
    const image = new TextEncoder().encode(`data: {"image":"${'A'.repeat(2 ** 23)}"}\n\n`);
    const pieces = Array.from({ length: image.length / 4_096 + 1 }, (_, i) =>
      image.subarray(i * 4_096, (i + 1) * 4_096),
    );
    // Looked through anew with each piece, it takes twice the time that is given here, and else a fiftieth of it.
    expect((await read(pieces)).seen).toHaveLength(1);
  }, 5_000);

  it('says when the last word has come', async () => {
    let ended = 0;
    await read(cut(TEXT, [40]), undefined, { ...METER, ended: () => (ended += 1) });
    expect(ended).toBe(1);
  });
});
