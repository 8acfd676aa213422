import { describe, expect, it } from 'vitest';
import { figuresOfResponse, mergeAnthropicUsage, usageFromRaw } from './index.ts';

describe('Anthropic', () => {
  it('adds cache reads and writes to the input, and tells the one-hour writes apart', () => {
    const raw = {
      input_tokens: 4,
      cache_creation_input_tokens: 30,
      cache_read_input_tokens: 8845,
      cache_creation: { ephemeral_5m_input_tokens: 6, ephemeral_1h_input_tokens: 24 },
      output_tokens: 193,
      output_tokens_details: { thinking_tokens: 100 },
      server_tool_use: { web_search_requests: 2, web_fetch_requests: 1 },
      service_tier: 'standard',
    };
    expect(usageFromRaw('anthropic', raw)).toEqual({
      inputTokens: 8879,
      cacheReadTokens: 8845,
      cacheWriteTokens: 30,
      cacheWrite1hTokens: 24,
      outputTokens: 193,
      reasoningTokens: 100,
      toolCalls: { web_search: 2 },
      serviceTier: 'standard',
    });
  });

  it('bills compaction and advisor steps beside the top-level figures', () => {
    const raw = {
      input_tokens: 682,
      output_tokens: 150,
      iterations: [
        { type: 'compaction', input_tokens: 61067, output_tokens: 3500 },
        { type: 'message', input_tokens: 682, output_tokens: 150 },
        {
          type: 'advisor_message',
          model: 'claude-opus-5',
          input_tokens: 900,
          cache_read_input_tokens: 100,
          output_tokens: 80,
        },
      ],
    };
    const usage = usageFromRaw('anthropic', raw);
    expect(usage).toMatchObject({ inputTokens: 682, outputTokens: 150 });
    expect(usage?.parts).toEqual([
      { inputTokens: 61067, outputTokens: 3500, model: undefined },
      { inputTokens: 1000, cacheReadTokens: 100, outputTokens: 80, model: 'claude-opus-5' },
    ]);
  });

  it('takes the steps where the top level falls behind them', () => {
    const steps = [
      { type: 'message', input_tokens: 100, output_tokens: 10 },
      { type: 'message', input_tokens: 200, output_tokens: 20 },
    ];
    expect(usageFromRaw('anthropic', { input_tokens: 200, output_tokens: 20, iterations: steps })).toMatchObject({
      inputTokens: 300,
      outputTokens: 30,
    });
  });

  it('prices an answer served by a fallback once, and a refusal after output besides', () => {
    const raw = {
      input_tokens: 100,
      output_tokens: 50,
      iterations: [
        { type: 'message', model: 'claude-fable-5', input_tokens: 100, output_tokens: 12 },
        { type: 'fallback_message', model: 'claude-opus-5', input_tokens: 100, output_tokens: 50 },
      ],
    };
    const usage = usageFromRaw('anthropic', raw);
    expect(usage).toMatchObject({ inputTokens: 100, outputTokens: 50 });
    expect(usage?.parts).toEqual([{ inputTokens: 100, outputTokens: 12, model: 'claude-fable-5' }]);
  });

  it.each([
    [{ speed: 'fast' }, 'fast'],
    [{ inference_geo: 'us', service_tier: 'standard' }, 'us'],
    [{ service_tier: 'batch' }, 'batch'],
  ])('reads the tier out of %j', (extra, tier) => {
    expect(usageFromRaw('anthropic', { input_tokens: 1, output_tokens: 1, ...extra })?.serviceTier).toBe(tier);
  });

  it('replaces restated figures of a stream and keeps what a later event leaves out', () => {
    const start = { input_tokens: 12, cache_read_input_tokens: 5, output_tokens: 1 };
    const twice = mergeAnthropicUsage(mergeAnthropicUsage(undefined, start), start);
    const merged = mergeAnthropicUsage(twice, { input_tokens: 12, cache_read_input_tokens: null, output_tokens: 30 });
    expect(usageFromRaw('anthropic', merged)).toEqual({ inputTokens: 17, cacheReadTokens: 5, outputTokens: 30 });
  });

  it('bills a container for code that the provider ran', () => {
    const content = [
      { type: 'server_tool_use', name: 'bash_code_execution' },
      { type: 'tool_use', name: 'lookup' },
    ];
    const figures = figuresOfResponse('anthropic', { content, usage: { input_tokens: 1, output_tokens: 1 } });
    expect(figures).toMatchObject({ usage: { toolCalls: { code_execution: 1 } }, toolCalls: 1 });
  });
});
