import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { ceilingPrice, costOf, customPrice, worstCost, type CustomPrice } from './price.ts';

/** A price as a caller without types could write it. */
function refused(spec: unknown): ConfigError {
  try {
    customPrice(spec as CustomPrice, 'prices.mine');
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('customPrice', () => {
  it('charges at the given rates', () => {
    const price = customPrice(
      {
        inputPerMillion: 3,
        outputPerMillion: 12,
        cacheReadPerMillion: 0.3,
        cacheWritePerMillion: 4,
        reasoningPerMillion: 6,
      },
      'prices.mine',
      'openai',
      'my-finetune',
    );
    expect(price).toMatchObject({ provider: 'openai', model: 'my-finetune', kind: 'text' });
    const usage = {
      inputTokens: 100,
      cacheReadTokens: 10,
      cacheWriteTokens: 20,
      outputTokens: 50,
      reasoningTokens: 30,
    };
    expect(costOf(price, usage)).toBe(70 * 3_000 + 10 * 300 + 20 * 4_000 + 20 * 12_000 + 30 * 6_000);
    expect(worstCost(price, 100, 50)).toBe(100 * 4_000 + 50 * 12_000);
  });

  it('rounds a rate finer than a pico-dollar up', () => {
    const price = customPrice({ inputPerMillion: 0.0000001, outputPerMillion: 1.1 }, 'prices.mine');
    expect(price.sheet.short).toMatchObject({ input: 1, output: 1_100_000 });
  });

  it('may be free, but not its tool calls', () => {
    const price = customPrice({ inputPerMillion: 0, outputPerMillion: 0 }, 'prices.local', '', 'llama');
    expect(costOf(price, { inputTokens: 1e6, outputTokens: 1e6 })).toBe(0);
    expect(costOf(price, { toolCalls: { web_search: 1 } })).toBe(35_000_000);
  });

  it('can be by image', () => {
    const price = customPrice({ inputPerMillion: 0, outputPerMillion: 0, perImage: 0.04 }, 'prices.flux');
    expect(costOf(price, { images: 3 })).toBe(120_000_000);
    expect(worstCost(price, 0, 0, { images: 3 })).toBe(120_000_000);
  });

  it('carries limits', () => {
    const spec = { inputPerMillion: 1, outputPerMillion: 1, maxInputTokens: 8_000, maxOutputTokens: 1_000 };
    expect(customPrice(spec, 'prices.mine')).toMatchObject({ maxInputTokens: 8_000, maxOutputTokens: 1_000 });
  });

  it.each([
    [{ outputPerMillion: 1 }, 'prices.mine.inputPerMillion', /missing/],
    [{ inputPerMillion: 1, outputPerMillion: undefined }, 'prices.mine.outputPerMillion', /missing/],
    [{ inputPerMillion: -1, outputPerMillion: 1 }, 'prices.mine.inputPerMillion', /0 or more, got -1/],
    [{ inputPerMillion: Number.NaN, outputPerMillion: 1 }, 'prices.mine.inputPerMillion', /got NaN/],
    [{ inputPerMillion: '3', outputPerMillion: 1 }, 'prices.mine.inputPerMillion', /got "3"/],
    [{ inputPerMillion: 1, outputPerMillion: 100_001 }, 'prices.mine.outputPerMillion', /Check the unit/],
    [{ inputPerMillion: 1, outputPerMillion: 1, perImage: -1 }, 'prices.mine.perImage', /per image/],
    [{ inputPerMillion: 1, outputPerMillion: 1, maxOutputTokens: 0.5 }, 'prices.mine.maxOutputTokens', /whole number/],
    [{ inputPerMillion: 1, outputPerMillion: 1, input: 3 }, 'prices.mine.input', /Write one of: inputPerMillion/],
    [null, 'prices.mine', /must be a price/],
    [3, 'prices.mine', /must be a price/],
    [[1, 2], 'prices.mine', /must be a price/],
  ])('refuses %j', (spec, path, message) => {
    const error = refused(spec);
    expect(error.path).toBe(path);
    expect(error.message).toMatch(message);
    expect(error.message).toContain(path);
  });
});

describe('ceilingPrice', () => {
  it('is the dearest of everything', () => {
    const price = ceilingPrice('openai', 'gpt-99');
    expect(price).toMatchObject({ provider: 'openai', model: 'gpt-99', kind: 'text' });
    // o1-pro is the dearest text model of the catalog.
    expect(costOf(price, { inputTokens: 1_000, outputTokens: 1_000 })).toBe(750_000_000);
    expect(costOf(price, { toolCalls: { web_search: 1, teleport: 1 } })).toBe(35_000_000 + 100_000_000);
    expect(costOf(price, { images: 1 })).toBe(120_000_000);
    expect(worstCost(price, 1_000, 1_000)).toBeGreaterThanOrEqual(750_000_000);
  });
});
