import { describe, expect, it } from 'vitest';
import { figuresOfResponse, usageFromRaw } from './index.ts';

describe('OpenAI', () => {
  it('reads a chat completion with its audio and cache details', () => {
    const raw = {
      prompt_tokens: 4020,
      completion_tokens: 100,
      total_tokens: 4120,
      prompt_tokens_details: { cached_tokens: 1000, cache_write_tokens: 3000, audio_tokens: 5 },
      completion_tokens_details: { reasoning_tokens: 60, audio_tokens: 7, rejected_prediction_tokens: 3 },
    };
    expect(usageFromRaw('openai', raw)).toEqual({
      inputTokens: 4020,
      cacheReadTokens: 1000,
      cacheWriteTokens: 3000,
      inputAudioTokens: 5,
      outputTokens: 100,
      reasoningTokens: 60,
      outputAudioTokens: 7,
    });
  });

  it('adds the reasoning that xAI counts outside the completion', () => {
    const raw = {
      prompt_tokens: 12,
      completion_tokens: 1,
      total_tokens: 399,
      completion_tokens_details: { reasoning_tokens: 386 },
    };
    expect(usageFromRaw('xai', raw)).toMatchObject({ inputTokens: 12, outputTokens: 387, reasoningTokens: 386 });
  });

  it('does not add reasoning that the completion includes', () => {
    const raw = {
      prompt_tokens: 12,
      completion_tokens: 40,
      total_tokens: 52,
      completion_tokens_details: { reasoning_tokens: 30 },
    };
    expect(usageFromRaw('openai', raw)).toMatchObject({ outputTokens: 40, reasoningTokens: 30 });
  });

  it('reads an embedding as input without output', () => {
    expect(usageFromRaw('openai', { prompt_tokens: 12, total_tokens: 12 })).toEqual({
      inputTokens: 12,
      outputTokens: 0,
    });
  });

  it('reads DeepSeek’s cache hits', () => {
    const raw = { prompt_tokens: 100, completion_tokens: 5, prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36 };
    expect(usageFromRaw('deepseek', raw)).toMatchObject({ cacheReadTokens: 64 });
  });

  it('reads image generation with the image tokens apart', () => {
    const raw = {
      input_tokens: 50,
      output_tokens: 1056,
      total_tokens: 1106,
      input_tokens_details: { text_tokens: 10, image_tokens: 40 },
      output_tokens_details: { image_tokens: 1056, text_tokens: 0 },
    };
    expect(usageFromRaw('openai', raw)).toEqual({
      inputTokens: 50,
      inputImageTokens: 40,
      outputTokens: 1056,
      outputImageTokens: 1056,
    });
  });

  it('adds orchestration tokens, which stand only in the details', () => {
    const raw = {
      input_tokens: 120,
      output_tokens: 80,
      input_tokens_details: { cached_tokens: 0, orchestration_input_tokens: 40, orchestration_input_cached_tokens: 10 },
      output_tokens_details: { orchestration_output_tokens: 25 },
    };
    expect(usageFromRaw('openai', raw)).toEqual({ inputTokens: 160, cacheReadTokens: 10, outputTokens: 105 });
  });

  it('bills a web search, not the opening of a page, and a container once', () => {
    const body = {
      model: 'gpt-5-mini-2025-08-07',
      service_tier: 'flex',
      tools: [{ type: 'web_search' }],
      output: [
        { type: 'web_search_call', action: { type: 'search' } },
        { type: 'web_search_call', action: { type: 'open_page' } },
        { type: 'web_search_call', action: { type: 'find_in_page' } },
        { type: 'code_interpreter_call', container_id: 'c1' },
        { type: 'code_interpreter_call', container_id: 'c1' },
        { type: 'function_call' },
        { type: 'message' },
      ],
      usage: { input_tokens: 1, output_tokens: 2 },
    };
    expect(figuresOfResponse('openai', body)).toEqual({
      usage: { inputTokens: 1, outputTokens: 2, toolCalls: { web_search: 1, code_execution: 1 }, serviceTier: 'flex' },
      model: 'gpt-5-mini-2025-08-07',
      toolCalls: 1,
    });
  });

  it('bills the preview search tool and the search models at the preview fee', () => {
    const preview = {
      tools: [{ type: 'web_search_preview' }],
      output: [{ type: 'web_search_call' }],
      usage: { input_tokens: 1, output_tokens: 1 },
    };
    const chat = {
      model: 'gpt-4o-search-preview-2025-03-11',
      choices: [],
      usage: { prompt_tokens: 1, completion_tokens: 1 },
    };
    expect(figuresOfResponse('openai', preview).usage?.toolCalls).toEqual({ web_search_preview: 1 });
    expect(figuresOfResponse('openai', chat).usage?.toolCalls).toEqual({ web_search_preview: 1 });
  });
});
