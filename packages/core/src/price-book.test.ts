import { describe, expect, it } from 'vitest';
import { PriceBook } from './price-book.ts';
import { costOf, type CustomPrice } from './pricing/price.ts';

const AT = Date.parse('2026-11-23');
// Below every long-context threshold.
const USAGE = { inputTokens: 10_000, outputTokens: 10_000 };
const book = new PriceBook(new Map(), 'deny');

/** What a million tokens each way cost, in USD, when the asked model's answer names this model. */
function charged(provider: string, model: string, named: string, prices = book): number {
  const asked = prices.priceOf(provider, model, AT);
  return costOf(prices.answering(asked, asked.provider, named, AT), USAGE) / 1e7;
}

describe('the price of the model that answered', () => {
  it.each([
    ['claude-sonnet-4-5-20250929', 19.8],
    ['claude-sonnet-4-5', 19.8],
    ['anthropic.claude-sonnet-4-5-20250929-v1:0', 19.8],
    ['claude-haiku-4-5-20251001', 6.6],
    ['anthropic.claude-haiku-4-5-20251001-v1:0', 6.6],
    // Older models cost the same everywhere.
    ['claude-3-5-haiku-20241022', 4.8],
    ['claude-nothing', 19.8],
  ])('keeps the region that a model was asked in: %s', (named, usd) => {
    expect(charged('amazon-bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', named)).toBeCloseTo(usd, 9);
  });

  it.each([
    ['gpt-5.4', 'gpt-5.4-2026-03-05', 1.1],
    ['gpt-5.4', 'gpt-5.5', 1.1],
    ['gpt-5-4-mini', 'gpt-5-4-mini', 1.1],
    ['gpt-6-sol', 'gpt-6-sol', 1.1],
    ['gpt-5.2', 'gpt-5.2', 1],
    ['gpt-5-mini', 'gpt-5-mini-2025-08-07', 1],
    ['gpt-4o', 'gpt-4o-2024-08-06', 1],
    ['o3', 'o3', 1],
  ])('is dearer in a region of OpenAI’s for newer models: %s, answered by %s', (model, named, factor) => {
    expect(charged('openai.regional', model, named)).toBeCloseTo(charged('openai', model, named) * factor, 9);
  });

  it('is the user’s own in a region of OpenAI’s too', () => {
    const own = new PriceBook(new Map([['openai/gpt-5.4', { inputPerMillion: 1, outputPerMillion: 2 }]]), 'deny');
    expect(charged('openai.regional', 'gpt-5.4', 'gpt-5.4', own)).toBeCloseTo(3, 9);
  });

  it('keeps it where the asked model costs the same in every region, and the answering one does not', () => {
    const asked = 'us.anthropic.claude-3-5-haiku-20241022-v1:0';
    expect(charged('amazon-bedrock', asked, 'claude-sonnet-4-5')).toBeCloseTo(19.8, 9);
    expect(charged('anthropic', 'claude-3-5-haiku-20241022', 'claude-sonnet-4-5')).toBeCloseTo(18, 9);
  });

  it('is the asked one where both names are one model', () => {
    const asked = book.priceOf('amazon-bedrock', 'global.anthropic.claude-sonnet-4-5-20250929-v1:0', AT);
    for (const named of ['claude-sonnet-4-5', 'anthropic.claude-sonnet-4-5-20250929-v1:0'])
      expect(book.answering(asked, asked.provider, named, AT)).toBe(asked);
  });

  it('is the answering one where another model answered', () => {
    expect(charged('openai', 'gpt-4o', 'gpt-4o-mini-2024-07-18')).toBeCloseTo(0.75, 9);
    expect(charged('openai', 'gpt-4o', 'gpt-4o-2024-08-06')).toBeCloseTo(12.5, 9);
    expect(charged('openai', 'gpt-4o', 'gpt-unheard-of')).toBeCloseTo(12.5, 9);
  });

  it('is the user’s, where there is one', () => {
    const own: CustomPrice = { inputPerMillion: 1, outputPerMillion: 1 };
    const prices = new PriceBook(new Map([['gpt-4o', own]]), 'deny');
    expect(charged('openai', 'gpt-4o', 'gpt-4o-2024-05-13', prices)).toBe(2);
    expect(charged('openai', 'gpt-4o-mini', 'gpt-4o', prices)).toBe(2);
  });
});
