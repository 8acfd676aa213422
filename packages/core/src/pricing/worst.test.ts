import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PriceHints, Usage } from '../call.ts';
import { CATALOG } from './catalog.ts';
import { affordableOutput, costOf, customPrice, findPrice, worstCost, type Price } from './price.ts';
import { compilePrice } from './price-record.ts';

const AT = Date.parse('2026-11-23');

function price(provider: string, model: string): Price {
  const found = findPrice(provider, model, AT);
  if (found === undefined) throw new Error(`${provider}/${model} is not in the catalog`);
  return found;
}

const PRICES: readonly Price[] = [
  ...CATALOG.flatMap((row) => row.prices.map((sheet) => compilePrice(row, sheet, row.ids[0] ?? ''))),
  ...CATALOG.flatMap((row) => row.prices.map((sheet) => compilePrice(row, sheet, row.ids[0] ?? '', 11))),
  customPrice(
    { inputPerMillion: 1, outputPerMillion: 2, cacheWrite1hPerMillion: 9, reasoningPerMillion: 1, perImage: 0.1 },
    'a',
  ),
  customPrice({ inputPerMillion: 1, outputPerMillion: 0 }, 'b'),
  customPrice({ inputPerMillion: 0, outputPerMillion: 0 }, 'c'),
  customPrice({ inputPerMillion: 99_999.7, outputPerMillion: 100_000 }, 'd'),
];

const TIERS = [undefined, 'default', 'auto', 'flex', 'batch', 'priority', 'fast', 'us', 'warp'] as const;

/** What an answer can name when this tier was asked for. */
function answerable(tier: (typeof TIERS)[number]): readonly (string | undefined)[] {
  if (tier === undefined || tier === 'default') return [undefined, 'default', 'standard'];
  if (tier === 'auto' || tier === 'warp') return [undefined, 'default', 'priority', tier];
  return [undefined, 'default', tier];
}

/** Splits a whole into parts by shares that are at most 1 together. */
const shares = (n: number) =>
  fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: n, maxLength: n }).map((weights) => {
    const total = Math.max(
      1,
      weights.reduce((sum, w) => sum + w, 0),
    );
    return weights.map((w) => w / total);
  });
const take = (whole: number, share: number | undefined) => Math.floor(whole * (share ?? 0));

const scenario = fc
  .record({
    bound: fc.integer({ min: 0, max: 1_200_000 }),
    used: fc.double({ min: 0, max: 1, noNaN: true }),
    cap: fc.integer({ min: 0, max: 200_000 }),
    answered: fc.double({ min: 0, max: 1, noNaN: true }),
    cells: shares(2),
    kinds: shares(2),
    out: shares(3),
    long: fc.double({ min: 0, max: 1, noNaN: true }),
    say: fc.boolean(),
    cacheWrite: fc.constantFrom('none', '5m', '1h', undefined),
    tier: fc.constantFrom(...TIERS),
    pick: fc.nat(),
    textOnly: fc.constantFrom(undefined, false, true),
    candidates: fc.constantFrom(undefined, 1, 3),
    images: fc.constantFrom(undefined, 0, 2),
    searches: fc.integer({ min: 0, max: 5 }),
  })
  .map((s): { bound: number; cap: number; hints: PriceHints; usage: Usage } => {
    const input = take(s.bound, s.used);
    const answers = s.candidates ?? 1;
    const output = take(s.cap * answers, s.answered);
    const cacheRead = take(input, s.cells[0]);
    const cacheWrite = s.cacheWrite === 'none' ? 0 : take(input, s.cells[1]);
    const audio = take(input, s.kinds[0]);
    const tiers = answerable(s.tier);
    return {
      bound: s.bound,
      cap: s.cap,
      hints: {
        cacheWrite: s.cacheWrite,
        serviceTier: s.tier,
        candidates: s.candidates,
        images: s.images,
        textOnly: s.textOnly,
        toolCalls: { web_search: s.searches, teleport: s.searches },
      },
      usage: {
        inputTokens: input,
        cacheReadTokens: cacheRead,
        cacheWriteTokens: cacheWrite,
        cacheWrite1hTokens: s.cacheWrite === '5m' ? 0 : take(cacheWrite, s.long),
        inputAudioTokens: s.say && !s.textOnly ? audio : undefined,
        cacheReadAudioTokens: s.say && !s.textOnly ? Math.min(take(audio, s.long), cacheRead) : undefined,
        inputImageTokens: s.say && !s.textOnly ? take(input, s.kinds[1]) : undefined,
        outputTokens: output,
        reasoningTokens: take(output, s.out[0]),
        outputAudioTokens: s.say ? take(output, s.out[1]) : undefined,
        outputImageTokens: s.say ? take(output, s.out[2]) : undefined,
        images: s.images ?? answers,
        toolCalls: { web_search: s.searches, teleport: s.searches },
        serviceTier: tiers[s.pick % tiers.length],
      },
    };
  });

describe('worstCost', () => {
  it('is exact for a plain model', () => {
    expect(worstCost(price('openai', 'gpt-4o'), 1_000, 500)).toBe(7_500_000);
    expect(worstCost(price('openai', 'gpt-4o'), 1_000, 500, { candidates: 3 })).toBe(17_500_000);
  });

  it('assumes cache writes unless the request rules them out', () => {
    const sonnet = price('anthropic', 'claude-sonnet-4-5');
    expect(worstCost(sonnet, 1_000, 0)).toBe(6_000_000);
    expect(worstCost(sonnet, 1_000, 0, { cacheWrite: '1h' })).toBe(6_000_000);
    expect(worstCost(sonnet, 1_000, 0, { cacheWrite: '5m' })).toBe(3_750_000);
    expect(worstCost(sonnet, 1_000, 0, { cacheWrite: 'none' })).toBe(3_000_000);
  });

  it('assumes audio unless the request holds only text', () => {
    const flash = price('google', 'gemini-2.5-flash');
    expect(worstCost(flash, 1_000_000, 0, { cacheWrite: 'none' })).toBe(1_000_000_000);
    for (const cacheWrite of ['none', '5m', '1h', undefined] as const)
      expect(worstCost(flash, 1_000_000, 0, { cacheWrite, textOnly: true })).toBe(300_000_000);
    expect(affordableOutput(flash, 1_000_000, 300_000_000, { textOnly: true })).toBe(0);
    // Cache writes stay, and so does what a model of speech or images is charged where the report states no kind.
    expect(worstCost(price('anthropic', 'claude-sonnet-4-5'), 1_000, 0, { textOnly: true })).toBe(6_000_000);
    const live = price('google', 'gemini-3.1-flash-live-preview');
    expect(worstCost(live, 1_000, 0, { textOnly: true })).toBe(worstCost(live, 1_000, 0));
  });

  it('takes the dearer of standard and the tier asked for', () => {
    const gpt5 = price('openai', 'gpt-5');
    const worst = (serviceTier: string) => worstCost(gpt5, 1_000, 1_000, { serviceTier });
    expect(worst('flex')).toBe(11_250_000);
    expect(worst('priority')).toBe(22_500_000);
    expect(worst('auto')).toBe(22_500_000);
    // Anthropic's priority tier is paid for beforehand: `auto`, its default, costs no more than standard.
    const opus = price('anthropic', 'claude-opus-4-8');
    expect(worstCost(opus, 0, 1_000, { serviceTier: 'auto' })).toBe(25_000_000);
  });

  it('holds the largest images that a request can produce', () => {
    const gptImage = price('openai', 'gpt-image-1');
    expect(worstCost(gptImage, 0, 0)).toBe(6_540 * 40_000);
    expect(worstCost(gptImage, 0, 0, { images: 4 })).toBe(4 * 6_540 * 40_000);
    expect(worstCost(price('openai', 'dall-e-3'), 0, 0, { images: 2 })).toBe(240_000_000);
    expect(worstCost(price('openai', 'dall-e-3'), 0, 0, { candidates: 3 })).toBe(360_000_000);
  });

  it('treats a bound that is no number as the largest', () => {
    expect(worstCost(price('openai', 'gpt-4o'), Number.NaN, 0)).toBe(2_500_000_000_000);
    expect(worstCost(price('openai', 'gpt-4o'), 0, Number.POSITIVE_INFINITY)).toBe(10_000_000_000_000);
  });

  it('covers every usage that can result, for every price', () => {
    fc.assert(
      fc.property(scenario, ({ bound, cap, hints, usage }) => {
        for (const own of PRICES) {
          const worst = worstCost(own, bound, cap, hints);
          const cost = costOf(own, usage);
          if (cost > worst) throw new Error(`${own.provider}/${own.model}: cost ${cost} > worst ${worst}`);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('never falls when a bound grows', () => {
    fc.assert(
      fc.property(scenario, fc.integer({ min: 0, max: 300_000 }), ({ bound, cap, hints }, more) => {
        for (const own of PRICES) {
          const worst = worstCost(own, bound, cap, hints);
          if (worstCost(own, bound + more, cap, hints) < worst) throw new Error(`${own.provider}/${own.model}: input`);
          if (worstCost(own, bound, cap + more, hints) < worst) throw new Error(`${own.provider}/${own.model}: output`);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('affordableOutput', () => {
  it('is the inverse of worstCost, to the token', () => {
    const room = fc.oneof(fc.integer({ min: 0, max: 50_000_000_000 }), fc.double({ min: 0, max: 1e16, noNaN: true }));
    fc.assert(
      fc.property(scenario, room, ({ bound, hints }, money) => {
        for (const own of PRICES) {
          const cap = affordableOutput(own, bound, money, hints);
          const name = `${own.provider}/${own.model} cap ${cap}`;
          if (cap === -1) {
            if (worstCost(own, bound, 0, hints) <= money) throw new Error(`${name}: nothing is too little`);
          } else if (cap === Number.POSITIVE_INFINITY) {
            if (worstCost(own, bound, 1e12, hints) > money) throw new Error(`${name}: not any output fits`);
          } else {
            if (worstCost(own, bound, cap, hints) > money) throw new Error(`${name}: does not fit`);
            if (worstCost(own, bound, cap + 1, hints) <= money) throw new Error(`${name}: one more would fit`);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('knows no room, and free output', () => {
    const gpt4o = price('openai', 'gpt-4o');
    expect(affordableOutput(gpt4o, 1_000, 2_499_999)).toBe(-1);
    expect(affordableOutput(gpt4o, 1_000, 2_500_000)).toBe(0);
    expect(affordableOutput(gpt4o, 1_000, -1)).toBe(-1);
    expect(affordableOutput(gpt4o, 0, Number.NaN)).toBe(-1);
    expect(affordableOutput(gpt4o, 0, Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(affordableOutput(price('openai', 'text-embedding-3-small'), 10, 1_000)).toBe(Number.POSITIVE_INFINITY);
  });
});
