import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { figuresOfResponse, usageFromRaw } from './index.ts';

describe('any provider', () => {
  it.each([undefined, null, 7, 'x', [], {}, { prompt_tokens: '12' }, { input_tokens: NaN, output_tokens: -1 }])(
    'takes %j for unknown, not for free',
    (raw) => {
      expect(usageFromRaw('openai', raw)).toBeUndefined();
      expect(figuresOfResponse('openai', { usage: raw }).usage).toBeUndefined();
    },
  );

  it('keeps a side that is unknown unknown', () => {
    expect(usageFromRaw('openai', { prompt_tokens: 5, completion_tokens: null })).toEqual({ inputTokens: 5 });
  });

  it('never yields a figure that is negative, no number, or smaller than its parts', () => {
    const value = fc.oneof(fc.nat(1_000_000), fc.constantFrom(undefined, null, NaN, -5, Infinity, '7', 1.5));
    const names = [
      'prompt_tokens',
      'completion_tokens',
      'total_tokens',
      'input_tokens',
      'output_tokens',
      'cache_read_input_tokens',
      'cache_creation_input_tokens',
      'promptTokenCount',
      'candidatesTokenCount',
      'thoughtsTokenCount',
      'totalTokenCount',
      'cachedContentTokenCount',
      'num_cached_tokens',
      'connector_tokens',
    ];
    const raw = fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });
    fc.assert(
      fc.property(raw, fc.constantFrom('openai', 'anthropic', 'google', 'mistral', 'xai'), (usage, provider) => {
        const read = usageFromRaw(provider, usage) ?? {};
        for (const figure of Object.values(read))
          if (typeof figure === 'number') expect(figure).toBeGreaterThanOrEqual(0);
        if (read.inputTokens !== undefined) {
          expect(read.inputTokens).toBeGreaterThanOrEqual((read.cacheReadTokens ?? 0) + (read.cacheWriteTokens ?? 0));
        }
        if (read.outputTokens !== undefined)
          expect(read.outputTokens).toBeGreaterThanOrEqual(read.reasoningTokens ?? 0);
      }),
    );
  });
});
