import { describe, expect, it } from 'vitest';
import { byteBound, lengthBound } from './bound.ts';

describe('the bounds of a model that another vendor’s endpoint serves', () => {
  // NFKC makes 33 bytes of three.
  const growing = '\ufdfa'.repeat(1_000);
  const image = [{ role: 'user', content: [{ type: 'image', image: new Uint8Array(1_000) }] }];

  it.each([
    ['google-vertex', 'claude-sonnet-4-5@20250929'],
    ['google-vertex', 'publishers/anthropic/models/claude-opus-4-5'],
    ['openai', 'anthropic/claude-sonnet-4.5'],
    ['openai', 'anthropic.claude-sonnet-4-5-20250929-v1:0'],
    ['openai', 'databricks-claude-sonnet-4'],
    ['mistral', 'claude-opus-5'],
  ])('are Claude’s on %s: %s', (provider, model) => {
    expect(lengthBound(growing, provider, model)).toBeGreaterThanOrEqual(33_000);
    expect(byteBound(growing, provider, model)).toBeGreaterThanOrEqual(33_000);
    expect(lengthBound(image, provider, model)).toBeGreaterThanOrEqual(4_784);
    const tools = { messages: [], tools: [{ type: 'function', name: 'f' }] };
    expect(byteBound(tools, provider, model)).toBeGreaterThanOrEqual(1_024);
  });

  it.each([
    ['openai', 'qwen/qwen3-vl'],
    ['openai', 'ft:gpt-4o-mini:claude::x'],
    ['google-vertex', 'llama-4-maverick'],
    ['google-vertex', 'mistralai/mistral-medium-3'],
    ['google-vertex', 'qwen-gemini-distill'],
  ])('are the highest where %s serves %s', (provider, model) => {
    for (const input of [growing, image]) {
      expect(lengthBound(input, provider, model)).toBe(lengthBound(input, 'stranger'));
      expect(byteBound(input, provider, model)).toBe(byteBound(input, 'stranger'));
    }
  });

  it.each([
    ['openai', 'gpt-4o', 'openai'],
    ['openai', 'openai/gpt-4o', 'openai'],
    ['openai', 'my-model', 'openai'],
    ['azure', 'team/deployment', 'stranger'],
    ['google', 'models/gemini-2.5-pro', 'google'],
    ['gateway', 'google/gemini-2.5-pro', 'google'],
    ['google-vertex', 'gemini-2.5-pro', 'google'],
    ['anthropic', 'claude-opus-5', 'anthropic'],
    ['mistral', 'mistral-large-latest', 'mistral'],
    ['openrouter', 'mistralai/mistral-nemo', 'stranger'],
  ])('on %s with %s are those of %s', (provider, model, as) => {
    for (const input of [growing, image]) expect(lengthBound(input, provider, model)).toBe(lengthBound(input, as));
  });
});
