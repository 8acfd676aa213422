import { describe, expect, it } from 'vitest';
import { CATALOG } from './catalog.ts';
import { findPrice, isPricedAnywhere } from './lookup.ts';

const AT = Date.parse('2026-11-23');
const rates = (provider: string, model: string, at = AT) => {
  const price = findPrice(provider, model, at);
  return price && [price.sheet.short.input / 1e6, price.sheet.short.output / 1e6];
};

describe('findPrice', () => {
  it('finds every id of the catalog', () => {
    let seen = 0;
    for (const row of CATALOG) {
      for (const id of row.ids) {
        const provider = row.provider === 'bedrock' ? 'amazon-bedrock' : row.provider;
        const model = id.startsWith('ft:') ? `${id}:org::x1` : id;
        expect(findPrice(provider, model, AT)?.model, `${provider}/${model}`).toBe(id);
        expect(isPricedAnywhere(model, AT), model).toBe(true);
        seen += 1;
      }
    }
    expect(seen).toBeGreaterThan(400);
  });

  it.each([
    ['openai', 'gpt-4o-2024-08-06', 2.5, 10],
    ['openai', 'gpt-4o-2024-05-13', 5, 15],
    ['openai', 'gpt-4.1-nano-2025-04-14', 0.1, 0.4],
    ['openai', 'gpt-6.1-sol-2026-09-29', 2, 10],
    ['openai', 'openai/gpt-4o', 2.5, 10],
    ['openai', 'anthropic/claude-sonnet-4', 3, 15],
    ['openrouter', 'openai/gpt-4o', 2.5, 10],
    ['openrouter', 'anthropic/claude-opus-4.5', 5, 25],
    ['openrouter', 'anthropic/claude-4.6-sonnet-20260217', 3, 15],
    ['openrouter', 'anthropic/claude-haiku-4.5:beta', 1, 5],
    ['openrouter', 'mistralai/mistral-nemo', 0.01, 0.019],
    ['openrouter', 'openai/gpt-oss-120b', 0.039, 0.18],
    ['openrouter', 'openai/gpt-oss-20b:free', 0, 0],
    ['gateway', 'anthropic/claude-sonnet-4.5', 3, 15],
    ['gateway', 'anthropic/claude-opus-5.5-fast', 8, 40],
    ['gateway', 'google/gemini-2.5-flash', 0.3, 2.5],
    ['gateway', 'mistral/mistral-large-latest', 0.5, 1.5],
    ['anthropic', 'claude-haiku-4-5-20251001', 1, 5],
    ['anthropic', 'claude-3-7-sonnet-latest', 3, 15],
    ['anthropic', 'claude-opus-4-1-20250805', 15, 75],
    ['google', 'models/gemini-2.5-pro', 1.25, 10],
    ['google', 'gemini-2.5-pro-preview-05-06', 1.25, 10],
    ['google-vertex', 'gemini-2.5-pro', 1.25, 10],
    ['google-vertex', 'claude-sonnet-4-5@20250929', 3, 15],
    ['google-vertex', 'publishers/anthropic/models/claude-opus-4-5@20251101', 5, 25],
    ['amazon-bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 3.3, 16.5],
    ['amazon-bedrock', 'anthropic.claude-sonnet-4-5-20250929-v1:0', 3.3, 16.5],
    ['amazon-bedrock', 'us-gov.anthropic.claude-haiku-4-5-20251001-v1:0', 1.1, 5.5],
    ['amazon-bedrock', 'global.anthropic.claude-sonnet-4-5-20250929-v1:0', 3, 15],
    ['amazon-bedrock', 'us.anthropic.claude-3-5-haiku-20241022-v1:0', 0.8, 4],
    [
      'amazon-bedrock',
      'arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-5-20251101-v1:0',
      5.5,
      27.5,
    ],
    ['amazon-bedrock', 'mistral.mistral-large-2402-v1:0', 4, 12],
    ['mistral', 'mistral-large-latest', 0.5, 1.5],
    ['mistral', 'mistral-medium-latest', 1.5, 7.5],
    ['mistral', 'mistral-small-latest', 0.15, 0.6],
    ['mistral', 'codestral-latest', 0.3, 0.9],
    ['mistral', 'open-mistral-nemo', 0.15, 0.15],
    ['mistral', 'ministral-8b-latest', 0.15, 0.15],
    ['mistral', 'magistral-medium-2507', 2, 5],
    ['openai', 'ft:gpt-4o-mini-2024-07-18:org::id', 0.3, 1.2],
    ['openai', 'ft:gpt-4.1-2025-04-14:org:name:id', 3, 12],
  ])('prices %s %s', (provider, model, input, output) => {
    expect(rates(provider, model)).toEqual([input, output]);
  });

  it.each([
    ['openai', 'gpt-4o-foo'],
    ['openai', 'gpt-4o-2099-01-01'],
    ['openai', 'gpt-4o-latest'],
    ['openai', 'gpt-6-sol-2026-13-01'],
    ['openai', 'gpt'],
    ['openai', ''],
    ['openai', 'ft:gpt-4-0613:org::id'],
    ['openai', 'ft:gpt-4o-foo:org::id'],
    ['openai', 'ft:gpt-4.1-nano-2025-04-14-foo:org::id'],
    ['openai', 'whisper-1'],
    ['openai', 'text-moderation-latest'],
    ['anthropic', 'claude-sonnet-45'],
    ['anthropic', 'claude-sonnet-5-9'],
    ['anthropic', 'claude-haiku-4-5-turbo'],
    ['google', 'gemini-2.5-pro-ultra'],
    ['google', 'gemini-2.5-flash-preview-tts'],
    ['google', 'gemma-3-27b-it'],
    ['mistral', 'mistral-large-9999'],
    ['azure', 'gpt-4o'],
    ['groq', 'openai/gpt-4o'],
    ['gateway', 'gpt-4o'],
    ['gateway', 'openai/gpt-oss-120b'],
    ['gateway', 'openai/'],
    ['openrouter', 'openai/gpt-4o:online'],
    ['amazon-bedrock', 'us.anthropic.claude-nothing-v1:0'],
    ['constructor', 'gpt-4o'],
    ['openai', 'constructor'],
    ['openai', `gpt-4o${'-'.repeat(300)}`],
  ])('does not know %s %s', (provider, model) => {
    expect(findPrice(provider, model, AT)).toBeUndefined();
    expect(findPrice(provider, model, AT)).toBeUndefined();
  });

  it('takes the price that held at the time, to the first millisecond of its day', () => {
    const change = Date.parse('2025-06-10T00:00:00Z');
    expect(rates('openai', 'o3', change - 1)).toEqual([10, 40]);
    expect(rates('openai', 'o3', change)).toEqual([2, 8]);
    expect(rates('openai', 'o3', 0)).toEqual([10, 40]);
    expect(rates('google', 'gemini-3.6-flash', Date.parse('2026-12-31T23:59:59.999Z'))).toEqual([0.75, 3.75]);
    expect(rates('google', 'gemini-3.6-flash', Date.parse('2027-01-01'))).toEqual([1.5, 7.5]);
    expect(rates('openai', 'gpt-4o', Number.NaN)).toEqual([2.5, 10]);
  });

  it('gives the same object for the same question', () => {
    expect(findPrice('openai', 'gpt-4o', AT)).toBe(findPrice('openai', 'gpt-4o', AT + 1));
  });

  it('knows limits', () => {
    expect(findPrice('openai', 'gpt-4o', AT)).toMatchObject({
      kind: 'text',
      maxInputTokens: 128_000,
      maxOutputTokens: 16_384,
    });
    expect(findPrice('anthropic', 'claude-sonnet-4-5', AT)?.maxInputTokens).toBe(1_000_000);
    expect(findPrice('openai', 'text-embedding-3-small', AT)).toMatchObject({ kind: 'embedding' });
    expect(findPrice('openai', 'text-embedding-3-small', AT)?.maxInputTokens).toBeUndefined();
    expect(findPrice('openai', 'dall-e-3', AT)?.kind).toBe('image');
  });

  it('stays right when more names are asked for than it remembers', () => {
    for (let i = 0; i < 25_000; i++) findPrice(`provider-${i % 3_000}`, `model-${i}`, AT);
    expect(rates('openai', 'gpt-4o')).toEqual([2.5, 10]);
  });
});
