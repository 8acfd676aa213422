import { describe, expect, it } from 'vitest';
import { usageFromRaw } from './index.ts';

describe('Mistral', () => {
  it('reads the cache under its own names, and what connectors add', () => {
    const raw = {
      prompt_tokens: 100,
      completion_tokens: 8,
      total_tokens: 108,
      num_cached_tokens: 64,
      connector_tokens: 500,
      connectors: { web_search: 2 },
    };
    expect(usageFromRaw('mistral', raw)).toEqual({
      inputTokens: 600,
      cacheReadTokens: 64,
      outputTokens: 8,
      toolCalls: { web_search: 2 },
    });
  });
});
