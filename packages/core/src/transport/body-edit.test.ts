import { describe, expect, it } from 'vitest';
import { editedBody } from './body-edit.ts';

describe('an edited body', () => {
  it.each([
    [{ a: 1 }, {}],
    [{ a: 1, text: '"b":2' }, { b: 3 }],
    [
      { a: 1, b: 2 },
      { b: 3, c: 4 },
    ],
    [{ a: null }, { a: 1 }],
    [{}, { a: 1 }],
    [{ nested: { max_tokens: 1 } }, { max_tokens: 5 }],
  ])('%j with %j says what both say', (body, edits) => {
    const text = editedBody(JSON.stringify(body), body, edits);
    expect(JSON.parse(text)).toEqual({ ...body, ...edits });
    for (const key of Object.keys(edits)) expect(text.split(`"${key}":`).length).toBeLessThanOrEqual(3);
  });

  it('never holds a field twice', () => {
    const text = editedBody('{"b":2,"a":1}', { b: 2, a: 1 }, { b: 3 });
    expect(text).toBe('{"b":3,"a":1}');
  });
});
