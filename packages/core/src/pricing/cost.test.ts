import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Usage } from '../call.ts';
import { CATALOG } from './catalog.ts';
import type { CatalogRow, DatedSheet, UsdRates } from './catalog-row.ts';
import { ceilingPrice, costOf, customPrice, findPrice, type Price } from './price.ts';
import { picoToNano } from './pico-sum.ts';
import { compilePrice } from './price-record.ts';

const AT = Date.parse('2026-11-23');

function price(provider: string, model: string): Price {
  const found = findPrice(provider, model, AT);
  if (found === undefined) throw new Error(`${provider}/${model} is not in the catalog`);
  return found;
}

const gpt4o = price('openai', 'gpt-4o');
const sonnet = price('anthropic', 'claude-sonnet-4-5');
const gemini = price('google', 'gemini-2.5-pro');

describe('costOf', () => {
  it('charges input and output', () => {
    expect(costOf(gpt4o, { inputTokens: 1_000, outputTokens: 500 })).toBe(7_500_000);
  });

  it('charges cache reads and both kinds of cache writes at their own rates', () => {
    const usage: Usage = {
      inputTokens: 10_000,
      cacheReadTokens: 4_000,
      cacheWriteTokens: 3_000,
      cacheWrite1hTokens: 1_000,
      outputTokens: 100,
    };
    // 3,000 at 3, 4,000 at 0.3, 2,000 at 3.75, 1,000 at 6, 100 at 15 USD per million
    expect(costOf(sonnet, usage)).toBe(9_000_000 + 1_200_000 + 7_500_000 + 6_000_000 + 1_500_000);
  });

  it('charges a long request at the long rates, all of it', () => {
    expect(costOf(gemini, { inputTokens: 200_000, outputTokens: 1_000 })).toBe(250_000_000 + 10_000_000);
    expect(costOf(gemini, { inputTokens: 200_001, outputTokens: 1_000 })).toBe(500_002_500 + 15_000_000);
  });

  it('counts cache reads towards the length of the request', () => {
    const usage = { inputTokens: 200_001, cacheReadTokens: 200_000 };
    expect(costOf(gemini, usage)).toBe(2_500 + 50_000_000);
  });

  it('charges audio and image parts', () => {
    const audio = price('openai', 'gpt-4o-audio-preview');
    const usage = {
      inputTokens: 1_000,
      inputAudioTokens: 400,
      outputTokens: 500,
      outputAudioTokens: 300,
      outputImageTokens: 0,
    };
    expect(costOf(audio, { ...usage, inputImageTokens: 0 })).toBe(
      600 * 2_500 + 400 * 40_000 + 200 * 10_000 + 300 * 80_000,
    );
    const live = price('openai', 'gpt-realtime');
    const mixed = {
      inputTokens: 1_000,
      inputAudioTokens: 500,
      cacheReadTokens: 300,
      cacheReadAudioTokens: 200,
      inputImageTokens: 100,
      outputTokens: 0,
    };
    // uncached: 300 text of which 100 image is dearer by 1, 300 audio; cached: 100 text and 200 audio at 0.4
    expect(costOf(live, mixed)).toBe(400 * 4_000 + 100 * 1_000 + 300 * 32_000 + 300 * 400);
  });

  it('charges tokens of an unstated kind at the dearest, where the model makes speech or images', () => {
    const audio = price('openai', 'gpt-audio');
    expect(costOf(audio, { inputTokens: 0, outputTokens: 10 })).toBe(640_000);
    expect(costOf(audio, { inputTokens: 0, outputTokens: 10, outputAudioTokens: 0 })).toBe(100_000);
    expect(costOf(audio, { inputTokens: 10 })).toBe(320_000);
    const image = price('openai', 'gpt-image-1.5');
    expect(costOf(image, { outputTokens: 1_000 })).toBe(32_000_000);
    // A text model that also hears is charged as text unless it is told of audio.
    expect(costOf(price('google', 'gemini-2.5-flash'), { inputTokens: 1_000 })).toBe(300_000);
  });

  it('settles by the tier that the answer names', () => {
    const usage = { inputTokens: 1_000, outputTokens: 1_000 };
    const cost = (serviceTier: string | undefined) => costOf(gpt4o, { ...usage, serviceTier });
    expect(cost(undefined)).toBe(12_500_000);
    expect(cost('default')).toBe(12_500_000);
    expect(cost('batch')).toBe(6_250_000);
    expect(cost('priority')).toBe(21_250_000);
    expect(cost('SERVICE_TIER_BATCH')).toBe(6_250_000);
    expect(cost('Batch')).toBe(6_250_000);
    // No flex price is published for it: the standard one.
    expect(cost('flex')).toBe(12_500_000);
    // An unheard-of tier is charged at the dearer of standard and priority.
    expect(cost('warp')).toBe(21_250_000);
    expect(cost('__proto__')).toBe(21_250_000);
    const flash = price('google', 'gemini-2.5-flash');
    expect(costOf(flash, { ...usage, serviceTier: 'priority' })).toBe(2 * 2_800_000);
    const opus = price('anthropic', 'claude-opus-4-8');
    expect(costOf(opus, { ...usage, serviceTier: 'fast' })).toBe(60_000_000);
    expect(costOf(opus, { ...usage, serviceTier: 'us' })).toBe(33_000_000);
    expect(costOf(opus, { ...usage, serviceTier: 'batch' })).toBe(15_000_000);
  });

  it('charges tool calls by their fees, unheard-of ones at the dearest', () => {
    expect(costOf(sonnet, { inputTokens: 0, toolCalls: { web_search: 3 } })).toBe(30_000_000);
    expect(costOf(price('google', 'gemini-3-flash-preview'), { toolCalls: { google_search: 1 } })).toBe(14_000_000);
    expect(costOf(price('google', 'gemini-2.0-flash'), { toolCalls: { web_search: 1 } })).toBe(35_000_000);
    expect(costOf(sonnet, { toolCalls: { web_fetch: 100 } })).toBe(0);
    expect(costOf(sonnet, { toolCalls: { teleport: 1 } })).toBe(50_000_000);
    expect(costOf(sonnet, { toolCalls: { toString: 1 } })).toBe(50_000_000);
  });

  it('charges images by count at the dearest size, one where the count is unknown', () => {
    const dalle = price('openai', 'dall-e-3');
    expect(costOf(dalle, { images: 2 })).toBe(240_000_000);
    expect(costOf(dalle, {})).toBe(120_000_000);
    expect(costOf(dalle, { images: 0 })).toBe(0);
  });

  it('has no output for embeddings', () => {
    expect(costOf(price('openai', 'text-embedding-3-small'), { inputTokens: 1_000, outputTokens: 1_000 })).toBe(20_000);
  });

  it('charges parts at their own models and rounds the sum once', () => {
    const haiku = price('anthropic', 'claude-haiku-4-5');
    const lookup = (model: string) => findPrice('anthropic', model, AT);
    const parts = [
      { model: 'claude-opus-4-8', inputTokens: 1_000, outputTokens: 100 },
      { inputTokens: 60_000, cacheReadTokens: 60_000 },
    ];
    expect(costOf(haiku, { inputTokens: 10, outputTokens: 10, parts }, lookup)).toBe(60_000 + 7_500_000 + 6_000_000);
    const tiny = customPrice({ inputPerMillion: 0.0001, outputPerMillion: 0 }, 'prices.tiny');
    expect(costOf(tiny, { inputTokens: 1, parts: [{ inputTokens: 1 }, { inputTokens: 1 }] })).toBe(1);
  });

  it('charges a part whose model it does not know at the ceiling, if that is dearer', () => {
    const part = { model: 'secret-advisor', inputTokens: 1_000, outputTokens: 1_000 };
    const ceiling = costOf(ceilingPrice('anthropic', 'secret-advisor'), part);
    expect(ceiling).toBeGreaterThan(costOf(sonnet, part));
    expect(costOf(sonnet, { parts: [part] })).toBe(ceiling);
    expect(costOf(sonnet, { parts: [part] }, () => undefined)).toBe(ceiling);
  });

  it('never charges a contradictory report less than its parts', () => {
    const both = { cacheReadTokens: 1_000, cacheWriteTokens: 1_000 };
    const parts = 300_000 + 3_750_000;
    expect(costOf(sonnet, { inputTokens: 10, ...both })).toBe(parts);
    expect(costOf(sonnet, both)).toBe(parts);
    expect(costOf(sonnet, { inputTokens: Number.NaN, ...both })).toBe(parts);
    expect(costOf(sonnet, { inputTokens: -5_000, ...both })).toBe(parts);
    expect(costOf(sonnet, { inputTokens: 1_000, cacheReadTokens: -1_000 })).toBe(3_000_000);
    expect(costOf(sonnet, { inputTokens: 1_000, cacheReadTokens: Number.NaN })).toBe(3_000_000);
    expect(costOf(sonnet, { cacheWriteTokens: 10, cacheWrite1hTokens: 1_000 })).toBe(6_000_000);
    expect(costOf(sonnet, { outputTokens: 1, reasoningTokens: 1_000 })).toBe(15_000_000);
    expect(costOf(sonnet, { inputTokens: 999.2 })).toBe(3_000_000);
    expect(costOf(sonnet, { inputTokens: Number.POSITIVE_INFINITY })).toBe(6_000_000_000_000);
  });
});

/** USD per million tokens, an exact decimal, as pico-dollars per token: read from its digits, not multiplied. */
function exact(usd: number): bigint {
  const [whole = '0', decimals = ''] = usd.toFixed(6).split('.');
  return BigInt(whole + decimals);
}

interface Cells {
  readonly plain: number;
  readonly read: number;
  readonly write: number;
  readonly write1h: number;
  readonly audio: number;
  readonly readAudio: number;
  readonly output: number;
  readonly reasoning: number;
  readonly outputAudio: number;
  readonly outputImage: number;
}

const count = fc.integer({ min: 0, max: 400_000 });
const cellsArbitrary: fc.Arbitrary<Cells> = fc.record({
  plain: count, read: count, write: count, write1h: count, audio: count, readAudio: count,
  output: count, reasoning: count, outputAudio: count, outputImage: count,
}); // prettier-ignore

/** The price of disjoint cells straight from the published decimals, as a person would add it up. */
function reference(row: CatalogRow, sheet: DatedSheet, c: Cells): bigint {
  const input = c.plain + c.read + c.write + c.write1h + c.audio + c.readAudio;
  const r: UsdRates =
    sheet.long !== undefined && sheet.above !== undefined && input > sheet.above ? sheet.long : sheet.rates;
  const write = r.cacheWrite ?? r.input;
  const read = r.cacheRead ?? r.input;
  const terms: [number, number][] = [
    [c.plain, r.input],
    [c.read, read],
    [c.write, write],
    [c.write1h, r.cacheWrite1h ?? write],
    [c.audio, r.inputAudio ?? r.input],
    [c.readAudio, r.cacheReadAudio ?? Math.max(r.inputAudio ?? read, read)],
  ];
  if (row.kind !== 'embedding') {
    terms.push([c.output, r.output], [c.reasoning, r.reasoning ?? r.output]);
    terms.push([c.outputAudio, r.outputAudio ?? r.output], [c.outputImage, r.outputImage ?? r.output]);
  }
  const pico = terms.reduce((sum, [tokens, usd]) => sum + BigInt(tokens) * exact(usd), 0n);
  return (pico + 999n) / 1000n;
}

function usageOf(c: Cells): Usage {
  return {
    inputTokens: c.plain + c.read + c.write + c.write1h + c.audio + c.readAudio,
    cacheReadTokens: c.read + c.readAudio,
    cacheWriteTokens: c.write + c.write1h,
    cacheWrite1hTokens: c.write1h,
    inputAudioTokens: c.audio + c.readAudio,
    cacheReadAudioTokens: c.readAudio,
    inputImageTokens: 0,
    outputTokens: c.output + c.reasoning + c.outputAudio + c.outputImage,
    reasoningTokens: c.reasoning,
    outputAudioTokens: c.outputAudio,
    outputImageTokens: c.outputImage,
    images: 0,
  };
}

const sheets = CATALOG.flatMap((row) =>
  row.prices.map((sheet) => ({ row, sheet, price: compilePrice(row, sheet, row.ids[0] ?? '') })),
);

describe('rounding', () => {
  it('is upwards and exact right up to where numbers give way to BigInt', () => {
    const pico = fc.oneof(fc.integer({ min: 0, max: 2 ** 52 }), fc.integer({ min: 2 ** 52 - 10_000, max: 2 ** 52 }));
    fc.assert(
      fc.property(pico, (p) => BigInt(picoToNano(p)) === (BigInt(p) + 999n) / 1000n),
      { numRuns: 5_000 },
    );
  });
});

describe('costOf over the whole catalog', () => {
  it('equals an exact reference', () => {
    fc.assert(
      fc.property(cellsArbitrary, (cells) => {
        for (const { row, sheet, price: own } of sheets) {
          const got = costOf(own, usageOf(cells));
          if (BigInt(got) !== reference(row, sheet, cells)) throw new Error(`${own.provider}/${own.model}: ${got}`);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('stays exact where the sum no longer fits a number', () => {
    const dear = customPrice({ inputPerMillion: 99_999.999999, outputPerMillion: 1 }, 'prices.dear');
    // 999,999,999 tokens at 99,999,999,999 pico each, and one more
    const pico = 999_999_999n * 99_999_999_999n + 1_000_000n;
    const expected = (pico + 999n) / 1000n;
    expect(expected > BigInt(Number.MAX_SAFE_INTEGER)).toBe(true);
    expect(costOf(dear, { inputTokens: 999_999_999, outputTokens: 1 })).toBe(Number.MAX_SAFE_INTEGER);
    const middle = 60_000_001n * 99_999_999_999n;
    expect(BigInt(costOf(dear, { inputTokens: 60_000_001 }))).toBe((middle + 999n) / 1000n);
  });

  it('never falls when a whole grows', () => {
    const extra = fc.integer({ min: 1, max: 300_000 });
    fc.assert(
      fc.property(cellsArbitrary, extra, extra, (cells, moreInput, moreOutput) => {
        const usage = usageOf(cells);
        const larger = {
          ...usage,
          inputTokens: (usage.inputTokens ?? 0) + moreInput,
          outputTokens: (usage.outputTokens ?? 0) + moreOutput,
          images: 1,
          toolCalls: { web_search: 1 },
        };
        for (const { price: own } of sheets) {
          if (costOf(own, larger) < costOf(own, usage)) throw new Error(`${own.provider}/${own.model}`);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives a whole number of nano-dollars for any report', () => {
    const figure = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.constant(undefined),
      fc.constantFrom(Infinity, -Infinity, NaN, 1e300),
    );
    const report = fc.record({
      inputTokens: figure, cacheReadTokens: figure, cacheWriteTokens: figure, cacheWrite1hTokens: figure,
      inputAudioTokens: figure, cacheReadAudioTokens: figure, inputImageTokens: figure, outputTokens: figure,
      reasoningTokens: figure, outputAudioTokens: figure, outputImageTokens: figure, images: figure,
    }); // prettier-ignore
    fc.assert(
      fc.property(report, fc.string(), (usage, serviceTier) => {
        for (const { price: own } of sheets) {
          const cost = costOf(own, { ...usage, serviceTier });
          if (!Number.isSafeInteger(cost) || cost < 0) throw new Error(`${own.provider}/${own.model}: ${cost}`);
        }
      }),
      { numRuns: 60 },
    );
  });
});
