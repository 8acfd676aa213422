import fc from 'fast-check';
import { countTokens as countCl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as countO200k } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { countTexts, CUTS } from './tokenizer-worker.ts';

const AS_TEXT = { disallowedSpecial: new Set<string>() };
const o200k = { countTokens: countO200k };
const sum = (text: string, pattern: RegExp, encoding = o200k): number =>
  countTexts([text], encoding, pattern, 'all')[0]?.tokens ?? -1;

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
        expect(sum(any, CUTS.o200k_base)).toBe(countO200k(any, AS_TEXT));
        expect(sum(any, CUTS.cl100k_base, { countTokens: countCl100k })).toBe(countCl100k(any, AS_TEXT));
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
      const [count] = countTexts([whole], o200k, CUTS.o200k_base, 'all');
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
    };
    for (const mode of ['all', 'words'] as const) {
      countTexts(
        ['漢'.repeat(34_000), 'a'.repeat(34_000), '-'.repeat(34_000), ' '.repeat(34_000)],
        spy,
        CUTS.o200k_base,
        mode,
      );
    }
    expect(asked.filter((piece) => piece.length > 512)).toEqual([]);
  });

  it('counts only ASCII words that are not repeated too often', () => {
    const words = Array.from(
      { length: 200 },
      (_, index) => ` word${String.fromCharCode(97 + (index % 26))}${'xyzw'.charAt(index % 4)}`,
    );
    const varied = [...new Set(words)].join('').repeat(4);
    const [count] = countTexts([`${varied} naïve 1234 漢字`], o200k, CUTS.o200k_base, 'words');
    expect(count?.counted).toBe(0);
    const distinct = Array.from(
      { length: 400 },
      (_, index) => ` ${index.toString(26).replace(/[0-9]/g, (digit) => 'qrstuvwxyz'.charAt(Number(digit)))}word`,
    );
    const [most] = countTexts([`${distinct.join('')} naïve 1234 漢字`], o200k, CUTS.o200k_base, 'words');
    expect(most?.counted).toBe(distinct.join('').length);
    // The share is taken over all texts of a job: short messages are compared together.
    const together = countTexts(distinct, o200k, CUTS.o200k_base, 'words');
    expect(together.reduce((total, { tokens }) => total + tokens, 0)).toBe(most?.tokens);
  });
});
