/** The bounds against real tokenizers: no text may have more tokens than its bound. */
import { getTokenizer } from '@anthropic-ai/tokenizer';
import fc from 'fast-check';
import { countTokens as countCl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as countO200k, decode } from 'gpt-tokenizer/encoding/o200k_base';
import { afterAll, describe, expect, it } from 'vitest';
import { createTokenizer } from '../node/tokenizer.ts';
import { byteBound, lengthBound } from './bound.ts';
import { sharpBound } from './sharpen.ts';

const AS_TEXT = { disallowedSpecial: new Set<string>() };
const claude = getTokenizer();
const countClaude = (text: string): number => claude.encode(text.normalize('NFKC'), [], []).length;
/** What a text adds to a bound: the overhead around it must not make up for a text that is bounded too low. */
const added = (bound: typeof byteBound, text: string, provider: string): number =>
  bound(text, provider) - bound('', provider);
const sharplyAdded = async (text: string, provider: string, model: string): Promise<number> =>
  (await sharpBound(text, provider, model, tokenizer)) - byteBound('', provider);
// The whole suite must end in time on a loaded machine, so a slow first load must not turn the test into one of bytes.
const tokenizer = createTokenizer({ timeoutMs: 60_000 });
afterAll(() => {
  tokenizer.close();
  claude.free();
});

const SAMPLES: readonly string[] = [
  '',
  ' ',
  'Hello, world!',
  'The quick brown fox jumps over the lazy dog. '.repeat(40),
  'Ünïcödé façade naïve Ærøskøbing Łódź żółć',
  'Все люди рождаются свободными и равными в своём достоинстве и правах.',
  'Όλοι οι άνθρωποι γεννιούνται ελεύθεροι. ᾂ ᾧ ΐ ΰ',
  '人人生而自由，在尊严和权利上一律平等。'.repeat(8),
  'すべての人間は、生まれながらにして自由であり、ガギグゲゴ パピプペポ ㌖㍿㋿',
  '모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.',
  'يولد جميع الناس أحراراً متساوين في الكرامة والحقوق. ﷺ ﷻ ﷽',
  'כל בני אדם נולדו בני חורין ושווים בערכם',
  'सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता। क़ख़ग़ज़',
  'সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা ড়ঢ়য়',
  'มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน ำ',
  'ყველა ადამიანი იბადება თავისუფალი და თანასწორი',
  'Ամենայն մարդ ծնվում է ազատ եւ իրավահավասար և',
  'የሰው ልጅ ሁሉ ሲወለድ ነጻና በክብርና በመብትም እኩልነት ያለው ነው።',
  'མི་རིགས་ཀྱི་ཆོས་ ཀྵ ཱཱི',
  'Tất cả mọi người sinh ra đều được tự do ấ ầ ẩ ẫ ậ',
  '👩‍👩‍👧‍👦🏳️‍🌈🇮🇳👍🏽❤️‍🔥🧑🏿‍🚀',
  '𝕳𝖊𝖑𝖑𝖔 𝒲𝑜𝓇𝓁𝒹 𒀀𒁀 𓀀 𐍈 🀄 🈁🈂️🉐🄐🅱',
  '¼½¾ ²³¹ ªº ´¨¸¯ ⅓⅔⅛ ℃℉Å ﬁﬂﬃ ⑩⒑ ㎏㏒㏿',
  '\u01fa\u0323'.repeat(20),
  'Z̶̧̛̖͖͊͠a̸͎͐̈́l̵̰̇g̷̬̈́ỏ̵͙ ',
  '\ud800 lone \udc00\udc00 \ud83d',
  '\u0000\u0001\u0002\u001b[31m\u007f\u0080\u009f\u2028\u2029\ufeff\ufffe\uffff',
  '<|endoftext|><|im_start|>user<|im_end|> <EOT> [INST] <s>',
  'function f(a, b) {\n\treturn a?.b ?? `${b}`; // 12345\n}\n'.repeat(20),
  JSON.stringify({ a: [1, 2.5, -1e-7, null, true], 'b"\\': '\n\t\u0001' }),
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ'.repeat(20),
  '0123456789'.repeat(60),
  'a'.repeat(900),
  'A'.repeat(900),
  '漢'.repeat(700),
  ' '.repeat(700),
  '\n'.repeat(300) + '\t'.repeat(300),
  '=-'.repeat(300),
  'ÄÖÜ'.repeat(250),
];

const POOLS = [
  'abcdefghijklmnopqrstuvwxyz',
  'ABC def,.;:!?()[]{}<>/\\|"\'`~@#$%^&*-_=+',
  ' \t\n\r\u00a0\u3000',
  '0123456789',
  'áéíóúñçßœ¼½¾ªº²',
  'ǖǘǺấậệỗựΐᾂ\u0323\u0301\u0338\u0345',
  '你好世界龍龘𠀀𪚥',
  'ガ㌖㍿㋿ﾊﾟ',
  '가힣각',
  'ﷺﷻﬃשּׁคำກຳཀྵ',
  '😀👩‍🦰🇮🇳\u200d\ufe0f\u{e0067}',
  '\u0000\u0008\u001f\u007f\ud800\udfff',
].map((pool) => [...pool]);

/** Texts out of runs of a few alphabets: what random characters never make, words, runs and mixtures. */
const mixture = fc
  .array(fc.tuple(fc.constantFrom(...POOLS), fc.array(fc.nat(1_000), { minLength: 1, maxLength: 12 })), {
    minLength: 1,
    maxLength: 12,
  })
  .map((runs) => runs.map(([pool, picks]) => picks.map((pick) => pool[pick % pool.length]).join('')).join(''));
const anyText = fc.oneof(
  mixture,
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 100 }),
);

function expectOrder(text: string): void {
  for (const provider of ['openai', 'anthropic', 'google', 'mistral', 'openrouter']) {
    const bytes = added(byteBound, text, provider);
    expect(added(lengthBound, text, provider)).toBeGreaterThanOrEqual(bytes);
    expect(bytes).toBeGreaterThanOrEqual(Buffer.byteLength(text));
  }
  expect(added(byteBound, text, 'openai')).toBeGreaterThanOrEqual(countO200k(text, AS_TEXT));
  expect(added(byteBound, text, 'openai')).toBeGreaterThanOrEqual(countCl100k(text, AS_TEXT));
  expect(added(byteBound, text, 'anthropic')).toBeGreaterThanOrEqual(countClaude(text));
}

async function expectSharpOrder(text: string): Promise<void> {
  const [o200k, cl100k, claudeSharp] = await Promise.all([
    sharplyAdded(text, 'openai', 'gpt-4o'),
    sharplyAdded(text, 'openai', 'gpt-4'),
    sharplyAdded(text, 'anthropic', 'claude-opus-4-8'),
  ]);
  expect(added(byteBound, text, 'openai')).toBeGreaterThanOrEqual(o200k);
  expect(added(byteBound, text, 'openai')).toBeGreaterThanOrEqual(cl100k);
  expect(added(byteBound, text, 'anthropic')).toBeGreaterThanOrEqual(claudeSharp);
  expect(o200k).toBeGreaterThanOrEqual(countO200k(text, AS_TEXT));
  expect(cl100k).toBeGreaterThanOrEqual(countCl100k(text, AS_TEXT));
  expect(claudeSharp).toBeGreaterThanOrEqual(countClaude(text));
}

describe('the bounds against real tokenizers', () => {
  it('hold for samples of every script, in order', { timeout: 60_000 }, async () => {
    for (const text of SAMPLES) {
      expectOrder(text);
      await expectSharpOrder(text);
    }
  });

  it('hold for any text, without a tokenizer', () => {
    fc.assert(fc.property(anyText, expectOrder), { numRuns: 3_000 });
  }, 60_000);

  it('hold for any text, with one', { timeout: 60_000 }, async () => {
    await fc.assert(fc.asyncProperty(anyText, expectSharpOrder), { numRuns: 1_000 });
  });

  it('hold under every normalization, character by character', () => {
    const overhead = lengthBound('', 'openrouter');
    for (let code = 0; code < 0x3_0000; code += 1) {
      const text = String.fromCodePoint(code);
      const longest = Math.max(Buffer.byteLength(text.normalize('NFC')), Buffer.byteLength(text.normalize('NFKC')));
      if (lengthBound(text, 'openrouter') - overhead < longest) expect.fail(`U+${code.toString(16)}`);
    }
  });

  it('hold for Claude over words that only OpenAI has as one token', async () => {
    const vocabulary = Array.from({ length: 100_000 }, (_, index) => decode([index + 1_000]));
    const words = vocabulary.filter((word) => /^ [a-z]{5,}$/.test(word)).filter((_, index) => index % 5 === 0);
    const worst = words.filter((word) => countClaude(word) > 3)[0] ?? '';
    expect(worst).not.toBe('');
    const text = words.join('');
    const sharp = await sharplyAdded(text, 'anthropic', 'claude-opus-4-8');
    expect(sharp).toBeGreaterThanOrEqual(countClaude(text));
    expect(sharp).toBeLessThan(0.6 * text.length);
    // One of them, repeated: its own figure, not the average, would count, so it costs its bytes.
    const repeated = text + worst.repeat(5_000);
    expect(await sharplyAdded(repeated, 'anthropic', 'claude-opus-4-8')).toBeGreaterThanOrEqual(countClaude(repeated));
    expect(await sharplyAdded(worst.repeat(50), 'anthropic', 'claude-opus-4-8')).toBe(worst.length * 50);
  });
});
