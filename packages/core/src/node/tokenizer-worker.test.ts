import fc from 'fast-check';
import { countTokens as countCl100k, encode as encodeCl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as countO200k, encode as encodeO200k } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { countTexts, type CountRule } from './tokenizer-worker.ts';

const AS_TEXT = { disallowedSpecial: new Set<string>() };
const o200k = { countTokens: countO200k, encode: encodeO200k };
const ALL: CountRule = { encoding: 'o200k_base', mode: 'all', factor: 1 };
const CL100K: CountRule = { ...ALL, encoding: 'cl100k_base' };
const WORDS: CountRule = { encoding: 'o200k_base', mode: 'words', factor: 2.5 };
const sum = (text: string, rule = ALL, encoding = o200k): number => countTexts([text], encoding, rule)[0]?.tokens ?? -1;

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom('word', 'Word', ' ', '  ', '\n', '\r\n', '\t', "'s", '123', '4567', '!!', '("', '漢字', 'é', '/'),
      {
        maxLength: 30,
      },
    )
    .map((parts) => parts.join('')),
);

describe('countTexts', () => {
  it('counts exactly what the tokenizer counts, where no piece is too long', () => {
    fc.assert(
      fc.property(text, (any) => {
        expect(sum(any)).toBe(countO200k(any, AS_TEXT));
        const cl100k = { countTokens: countCl100k, encode: encodeCl100k };
        expect(sum(any, CL100K, cl100k)).toBe(countCl100k(any, AS_TEXT));
      }),
      { numRuns: 1_000 },
    );
  });

  it('leaves a piece without a cut to its bytes, and counts the rest exactly', () => {
    const long = '漢'.repeat(600);
    for (const [before, after] of [
      ['', ''],
      ['Some words, and ', '. And more!'],
      ['(', ')'],
      ['a  ', '  b'],
    ] as const) {
      const whole = before + long + after;
      const [count] = countTexts([whole], o200k, ALL);
      expect(count?.counted).toBeLessThanOrEqual(Buffer.byteLength(before + after));
      const bound = (count?.tokens ?? 0) + Buffer.byteLength(whole) - (count?.counted ?? 0);
      expect(bound).toBeGreaterThanOrEqual(countO200k(whole, AS_TEXT));
    }
  });

  it('never merges a long run, which takes the square of its length', () => {
    const asked: string[] = [];
    const spy = {
      countTokens: (piece: string) => {
        asked.push(piece);
        return 1;
      },
      encode: (piece: string) => {
        asked.push(piece);
        return [1];
      },
    };
    for (const rule of [ALL, WORDS])
      countTexts(['漢'.repeat(34_000), 'a'.repeat(34_000), '-'.repeat(34_000), ' '.repeat(34_000)], spy, rule);
    expect(asked.filter((piece) => piece.length > 512)).toEqual([]);
  });

  it('counts only ASCII words that are common or not repeated too often', () => {
    // Rare words, each of several tokens.
    const rare = (count: number): string[] =>
      Array.from(
        { length: count },
        (_, index) => ` ${index.toString(26).replace(/[0-9]/g, (digit) => 'qrstuvwxyz'.charAt(Number(digit)))}wordq`,
      );
    const few = [...new Set(rare(99))].join('');
    const [none] = countTexts([`${few} naïve 1234 漢字`], o200k, WORDS);
    expect(none).toEqual({ tokens: few.length, counted: few.length });
    const many = rare(400);
    const [most] = countTexts([`${many.join('')} naïve 1234 漢字`], o200k, WORDS);
    expect(most?.counted).toBe(many.join('').length);
    const tokens = many.reduce((total, word) => total + Math.min(word.length, 2.5 * countO200k(word)), 0);
    expect(most?.tokens).toBe(tokens);
    // The share is taken over all texts of a job: short messages are compared together.
    const together = countTexts(many, o200k, WORDS);
    expect(together.reduce((total, count) => total + count.tokens, 0)).toBe(tokens);
  });

  it('counts a common word by itself, whatever is around it', () => {
    for (const [text, tokens] of [
      [' the', 2],
      [' result', 2],
      ['result', 3],
      ['_result', 4],
      [' required', 3],
      ['required', 8],
      ['of', 2],
      [" don't", 6],
      ['{"type": "string"}', 4 + 4 + 4 + 2],
    ] as const) {
      const [count] = countTexts([text], o200k, WORDS);
      expect([text, (count?.tokens ?? 0) + text.length - (count?.counted ?? 0)]).toEqual([text, tokens]);
    }
  });
});
