import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkEvents } from './check-events.ts';

const ID = 'c0ffee00-0000-4000-8000-000000000001';
const NOTE = { type: 'denied', id: ID, agent: 'bot', runId: 'r1', at: 2_000, code: 'KAVACH_KILLED' };

const letter = (event: unknown) => {
  const { invalid } = checkEvents([event]);
  expect(invalid).toHaveLength(1);
  return invalid[0]!;
};

describe('checkEvents', () => {
  it('keeps the good ones, with their places', () => {
    const { valid, invalid } = checkEvents([NOTE, { ...NOTE, at: -1 }, 'x', NOTE]);
    expect(valid.map(({ index }) => index)).toEqual([0, 3]);
    expect(valid[0]).toEqual({ ...NOTE, index: 0 });
    expect(invalid).toEqual([
      {
        index: 1,
        id: ID,
        reason: 'invalid',
        detail: expect.stringMatching(/^at: Too small/),
        payload: { ...NOTE, at: -1 },
      },
      { index: 2, id: null, reason: 'invalid', detail: expect.stringContaining('expected object'), payload: 'x' },
    ]);
  });

  it('names all that is wrong', () => {
    expect(letter({ ...NOTE, at: -1, foo: 1 }).detail).toMatch(/at: Too small.*; Unrecognized key: "foo"/);
  });

  it('does not let an event choose its place', () => {
    expect(letter({ ...NOTE, index: 7 }).detail).toBe('Unrecognized key: "index"');
  });

  it('keeps a large payload as its beginning', () => {
    const { payload } = letter({ ...NOTE, prompt: 'x'.repeat(20_000) });
    expect(payload).toHaveLength(8_000);
    expect(payload).toContain('"type":"denied"');
  });

  it('survives what is nested a hundred thousand deep', () => {
    const event: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    expect(letter(event).payload).toBe('(nested too deeply to be kept)');
    expect(letter({ ...NOTE, agent: event }).payload).toBe('(nested too deeply to be kept)');
  });

  it('makes dead letters that Postgres can store, of anything', () => {
    const storable = (value: unknown) => !/\\u(?:0000|d[89a-f])/i.test(JSON.stringify(value).replaceAll('\\\\', ''));
    const text = fc.string({ unit: fc.constantFrom('a', '\0', '\ud83e', '\udde8', '"', '\\', 'é') });
    const event = fc.oneof(text, fc.record({ id: text, agent: text }), fc.dictionary(text, text), fc.jsonValue());
    fc.assert(
      fc.property(event, (value) => {
        expect(storable(letter(value))).toBe(true);
      }),
    );
  });
});
