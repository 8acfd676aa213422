import { describe, expect, it } from 'vitest';
import { figuresOfResponse, usageFromRaw } from './index.ts';

describe('Google', () => {
  it('adds thoughts to the output and tool results to the input', () => {
    const raw = {
      promptTokenCount: 9,
      toolUsePromptTokenCount: 100,
      candidatesTokenCount: 28,
      thoughtsTokenCount: 244,
      totalTokenCount: 381,
    };
    expect(usageFromRaw('google', raw)).toEqual({ inputTokens: 109, outputTokens: 272, reasoningTokens: 244 });
  });

  it('reads cached tokens, modalities and the tier', () => {
    const raw = {
      promptTokenCount: 17713,
      cachedContentTokenCount: 17379,
      candidatesTokenCount: 68,
      thoughtsTokenCount: 821,
      totalTokenCount: 18602,
      promptTokensDetails: [
        { modality: 'AUDIO', tokenCount: 1917 },
        { modality: 'TEXT', tokenCount: 16 },
      ],
      cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 1881 }],
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 60 }],
      serviceTier: 'standard',
    };
    expect(usageFromRaw('google', raw)).toEqual({
      inputTokens: 17713,
      cacheReadTokens: 17379,
      inputAudioTokens: 1917,
      cacheReadAudioTokens: 1881,
      outputTokens: 889,
      reasoningTokens: 821,
      outputImageTokens: 60,
      serviceTier: 'standard',
    });
  });

  it('adds thoughts also where there is no total', () => {
    expect(usageFromRaw('google', { promptTokenCount: 3, candidatesTokenCount: 5, thoughtsTokenCount: 7 })).toEqual({
      inputTokens: 3,
      outputTokens: 12,
      reasoningTokens: 7,
    });
  });

  it('takes the total where a zero was left out of the JSON', () => {
    expect(usageFromRaw('google', { promptTokenCount: 10, totalTokenCount: 10 })).toEqual({
      inputTokens: 10,
      outputTokens: 0,
    });
    expect(usageFromRaw('google', { promptTokenCount: 10 })).toEqual({ inputTokens: 10 });
  });

  it('bills grounding by the query from Gemini 3 on, by the prompt before', () => {
    const body = (modelVersion: string) => ({
      modelVersion,
      candidates: [
        { groundingMetadata: { webSearchQueries: ['a', 'b'] }, content: { parts: [{ functionCall: { name: 'f' } }] } },
      ],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1 },
    });
    expect(figuresOfResponse('google', body('gemini-2.5-flash')).usage?.toolCalls).toEqual({ google_search: 1 });
    expect(figuresOfResponse('google', body('gemini-3-pro'))).toMatchObject({
      usage: { toolCalls: { google_search: 2 } },
      model: 'gemini-3-pro',
      toolCalls: 1,
    });
  });

  it('reads the Interactions API', () => {
    const raw = {
      total_tokens: 148,
      total_input_tokens: 7,
      total_cached_tokens: 0,
      total_output_tokens: 26,
      total_tool_use_tokens: 0,
      total_thought_tokens: 115,
    };
    expect(usageFromRaw('google', raw)).toEqual({
      inputTokens: 7,
      cacheReadTokens: 0,
      outputTokens: 141,
      reasoningTokens: 115,
    });
  });
});
