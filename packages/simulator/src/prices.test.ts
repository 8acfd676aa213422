import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Price } from './prices.ts';
import { costNano, findPrice, picoPerToken, PRICES } from './prices.ts';
import type { SimulatedUsage } from './usage.ts';

const usage = (parts: Partial<SimulatedUsage>): SimulatedUsage => ({
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  toolUsePromptTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  ...parts,
});
const priceOf = (model: string): Price => findPrice(PRICES, model) ?? expect.unreachable(model);
const cost = (model: string, parts: Partial<SimulatedUsage>, tier?: string): number =>
  costNano(priceOf(model), usage(parts), tier);

describe('worked out by hand', () => {
  it.each([
    ['gpt-4o', { inputTokens: 1000, outputTokens: 100 }, 3_500_000],
    ['gpt-4o', { inputTokens: 1000, cacheReadTokens: 600, outputTokens: 100 }, 400 * 2500 + 600 * 1250 + 1_000_000],
    ['gpt-5-mini', { inputTokens: 1, cacheReadTokens: 1 }, 25],
    ['gpt-5-nano', { inputTokens: 3, cacheReadTokens: 3 }, 15],
    [
      'claude-sonnet-4-5',
      {
        inputTokens: 1000,
        cacheReadTokens: 100,
        cacheWriteTokens: 300,
        cacheWrite1hTokens: 200,
        outputTokens: 10,
        reasoningTokens: 5,
      },
      600 * 3000 + 100 * 300 + 100 * 3750 + 200 * 6000 + 10 * 15_000,
    ],
    ['gemini-2.5-pro', { inputTokens: 200_000, outputTokens: 1 }, 200_000 * 1250 + 10_000],
    ['gemini-2.5-pro', { inputTokens: 200_001, outputTokens: 1 }, 200_001 * 2500 + 15_000],
    ['mistral-large-latest', { inputTokens: 10, cacheReadTokens: 5, outputTokens: 10 }, 5 * 500 + 5 * 50 + 10 * 1500],
    ['text-embedding-3-small', { inputTokens: 7 }, 140],
    ['gpt-image-1', { inputTokens: 10, outputTokens: 1056 }, 10 * 5000 + 1056 * 40_000],
  ])('%s %o', (model, parts, nano) => expect(cost(model, parts)).toBe(nano));

  it('uses the rates of the service tier that answered', () => {
    expect(cost('gpt-5', { inputTokens: 10, outputTokens: 10 }, 'flex')).toBe(10 * 625 + 10 * 5000);
    expect(cost('gpt-5', { inputTokens: 10, outputTokens: 10 }, 'priority')).toBe(10 * 2500 + 10 * 20_000);
    expect(cost('gpt-5', { inputTokens: 10, outputTokens: 10 }, 'default')).toBe(10 * 1250 + 10 * 10_000);
  });

  it('rounds up once, after the sum', () => {
    // 2.5 nano-dollars each for 1 read and 1 more read on two calls, 5 on one.
    const price: Price = { input: '0.0025', output: '0.0005' };
    expect(costNano(price, usage({ inputTokens: 1 }))).toBe(3);
    expect(costNano(price, usage({ inputTokens: 1, outputTokens: 1 }))).toBe(3);
    expect(costNano(price, usage({ inputTokens: 2, outputTokens: 2 }))).toBe(6);
  });
});

it('is monotonic: more of anything never costs less', () => {
  const tokens = fc.nat(3_000_000);
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(PRICES)),
      tokens,
      tokens,
      tokens,
      (model, inputTokens, outputTokens, more) => {
        const before = cost(model, { inputTokens, outputTokens });
        expect(cost(model, { inputTokens: inputTokens + more, outputTokens })).toBeGreaterThanOrEqual(before);
        expect(cost(model, { inputTokens, outputTokens: outputTokens + more })).toBeGreaterThanOrEqual(before);
      },
    ),
  );
});

it('finds dated ids and nothing else', () => {
  expect(findPrice(PRICES, 'gpt-4o-2024-08-06')).toBe(PRICES['gpt-4o']);
  expect(findPrice(PRICES, 'claude-sonnet-4-5-20250929')).toBe(PRICES['claude-sonnet-4-5']);
  expect(findPrice(PRICES, 'gpt-4o-audio-preview')).toBe(undefined);
  expect(findPrice(PRICES, 'constructor')).toBe(undefined);
});

it('reads every rate of the table exactly', () => {
  expect(picoPerToken('0.138')).toBe(138_000n);
  expect(() => picoPerToken('0.1234567')).toThrow('at most 6 decimals');
  for (const price of Object.values(PRICES)) {
    for (const rates of [price, price.long ?? price, ...Object.values(price.tiers ?? {})]) {
      for (const value of Object.values(rates))
        if (typeof value === 'string') expect(picoPerToken(value)).toBeGreaterThan(0n);
    }
  }
});
