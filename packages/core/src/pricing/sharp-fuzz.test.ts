/** The sharp bound against real tokenizers where it counts small pieces: JSON documents, and common words. */
import { getTokenizer } from '@anthropic-ai/tokenizer';
import fc from 'fast-check';
import { countTokens as countCl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as countO200k, decode, encode } from 'gpt-tokenizer/encoding/o200k_base';
import { afterAll, describe, expect, it } from 'vitest';
import { createTokenizer } from '../node/tokenizer.ts';
import { byteBound } from './bound.ts';
import { sharpBound } from './sharpen.ts';

const AS_TEXT = { disallowedSpecial: new Set<string>() };
const claude = getTokenizer();
const countClaude = (text: string): number => claude.encode(text.normalize('NFKC'), [], []).length;
// A slow first load must not turn the test into one of bytes.
const tokenizer = createTokenizer({ timeoutMs: 60_000, loadMs: 60_000, maxPending: 10_000 });
afterAll(() => {
  tokenizer.close();
  claude.free();
});

/** Single tokens, whole words and odd ends alike: what merges with its neighbours in ways of its own. */
const vocabulary = Array.from({ length: 99_000 }, (_, id) => decode([id])).filter((token) => !token.includes('\ufffd'));
const token = fc.nat(vocabulary.length - 1).map((index) => vocabulary[index] ?? '');
const string = fc.oneof(
  token,
  fc.tuple(token, token).map((pair) => pair.join('')),
  fc.string({ unit: fc.constantFrom(...Array.from('ab1 _-.,:;!?/\\"\'{}[]()<>@#$%\n\té漢ß😀\u200d')), maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('a', 'x1', '', '{"a":1,"b":[2,{"c":"d"}]}', '[1,2,3]'),
);
/** A document whose strings are all odd, or all such that nothing beside the marks costs anything. */
const documentOf = (of: fc.Arbitrary<string>): fc.Arbitrary<unknown> =>
  fc.letrec<{ any: unknown; holder: unknown }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      of,
      fc.constantFrom(true, false, null, 0, -17, 1234.5, 1e21),
      tie('holder'),
    ),
    holder: fc.oneof(
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(of, tie('any'), { minKeys: 1, maxKeys: 6 }),
      fc.dictionary(of, of, { minKeys: 3, maxKeys: 9 }),
    ),
  })).holder;
const document = fc.oneof(documentOf(string), documentOf(fc.constantFrom('a', 'x1', 'b', 'name', 'id7')));

/** The ways in which providers may write a document. */
function* formsOf(value: unknown): Generator<string> {
  for (const indent of [undefined, 2, 4, '\t']) yield JSON.stringify(value, null, indent);
  const blanks = withBlanks(value);
  yield blanks;
  yield blanks.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** As Python writes JSON: a blank after each comma and colon. */
function withBlanks(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(withBlanks).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${withBlanks(member)}`);
  return `{${members.join(', ')}}`;
}

/** What an array or object inside JSON adds to a bound. */
async function addedByJson(value: unknown, provider: string, model: string): Promise<number> {
  const [whole, none] = await Promise.all(
    [value, ''].map((x) => sharpBound({ messages: [], x }, provider, model, tokenizer)),
  );
  return (whole ?? 0) - (none ?? 0);
}

describe('the sharp bound of JSON', () => {
  it('holds however a provider writes the document', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(document, async (value) => {
        const [o200k, cl100k] = await Promise.all([
          addedByJson(value, 'openai', 'gpt-4o'),
          addedByJson(value, 'openai', 'gpt-4'),
        ]);
        for (const form of formsOf(value)) {
          expect([form, o200k >= countO200k(form, AS_TEXT)]).toEqual([form, true]);
          expect([form, cl100k >= countCl100k(form, AS_TEXT)]).toEqual([form, true]);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('holds for Claude’s legacy tokenizer', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(document, async (value) => {
        const sharp = await addedByJson(value, 'anthropic', 'claude-opus-4-8');
        for (const form of formsOf(value)) expect([form, sharp >= countClaude(form)]).toEqual([form, true]);
      }),
      { numRuns: 1_500 },
    );
  });
});

describe('the sharp bound of common words', () => {
  const words = vocabulary.slice(0, 5_000).filter((word) => /^ ?[A-Za-z]+$/.test(word) && encode(word).length === 1);
  const AROUND = ['', '"', '\n', '_', '(', '7', '-', '.', ': '];

  it('holds for each of them by itself, with room for a tokenizer that makes 1.35 times as many', async () => {
    expect(words.length).toBeGreaterThan(2_900);
    const bounds = await Promise.all(words.map((word) => sharpBound(word, 'anthropic', 'claude-opus-4-8', tokenizer)));
    const none = byteBound('', 'anthropic');
    for (const [index, word] of words.entries()) {
      const charged = (bounds[index] ?? 0) - none;
      for (const sign of AROUND) {
        const tokens = countClaude(sign + word + sign) - 2 * sign.length;
        const most = Math.min(word.length, Math.ceil(1.35 * tokens));
        if (charged < most) expect.fail(`${JSON.stringify(sign + word + sign)}: ${charged} < ${most}`);
      }
    }
  });

  it('holds for short texts of them, and of whatever else', { timeout: 60_000 }, async () => {
    const piece = fc.oneof(
      fc.nat(words.length - 1).map((index) => words[index] ?? ''),
      fc.constantFrom(...AROUND, ' ', ', ', '123', 'é', '漢字', "'s"),
      token,
    );
    const none = byteBound('', 'anthropic');
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
        const text = pieces.join('');
        const sharp = (await sharpBound(text, 'anthropic', 'claude-opus-4-8', tokenizer)) - none;
        expect([text, sharp >= countClaude(text)]).toEqual([text, true]);
      }),
      { numRuns: 2_000 },
    );
  });
});
