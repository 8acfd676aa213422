import { describe, expect, it } from 'vitest';
import { UNBOUNDABLE_TOKENS } from './bound-provider.ts';
import { mediaTokens } from './media-tokens.ts';

const image = { kind: 'image' } as const;

describe('mediaTokens', () => {
  it('takes the largest published figure of the provider for an image', () => {
    // gpt-4o-mini: 2,833 and eight tiles of 5,667; 25,501 is its figure for a square of four tiles.
    expect(mediaTokens(image, 'openai')).toBe(48_169);
    expect(mediaTokens(image, 'anthropic')).toBeGreaterThanOrEqual(4_784);
    expect(mediaTokens(image, 'google')).toBe(4_128);
    expect(mediaTokens(image, 'mistral')).toBeGreaterThanOrEqual(4_160);
    expect(mediaTokens(image, 'other')).toBe(48_169);
  });

  it.each([
    ['openai', 'gpt-4o-mini', 48_169],
    ['openai', 'gpt-4o', 4_050],
    ['openai', 'o4-mini', 4_050],
    ['openai', 'gpt-5.2', 4_050],
    ['openai', 'gpt-5.4', 16_200],
    ['openai', 'gpt-7', 16_200],
    ['anthropic', 'claude-3-5-haiku-latest', 1_640],
    ['anthropic', 'claude-opus-4-20250514', 1_640],
    ['anthropic', 'claude-sonnet-4-6', 1_640],
    ['anthropic', 'claude-opus-4-7', 4_800],
    ['anthropic', 'claude-opus-5', 4_800],
    ['other', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 1_640],
    ['other', 'google/gemini-2.5-pro', 4_128],
    ['other', 'openai/gpt-4o', 4_050],
    ['other', 'qwen-vl', 48_169],
  ] as const)('narrows an image on %s to %s', (family, model, tokens) => {
    expect(mediaTokens(image, family, model)).toBe(tokens);
  });

  it('takes detail low at the patch models’ figure, which take no notice of it', () => {
    expect(mediaTokens({ ...image, lowDetail: true }, 'openai')).toBe(4_050);
  });

  it('takes the most that Gemini takes of audio and of pages, whatever the size of the file', () => {
    expect(mediaTokens({ kind: 'audio' }, 'google')).toBe(34_200 * 32);
    expect(mediaTokens({ kind: 'pdf' }, 'google')).toBe(1_300_000);
    expect(mediaTokens({ kind: 'pdf' }, 'other', 'google/gemini-2.5-pro')).toBe(1_300_000);
  });

  it.each(['openai', 'anthropic', 'mistral', 'other'] as const)('does not bound files of %s', (family) => {
    for (const kind of ['audio', 'video', 'pdf', 'file'] as const)
      expect(mediaTokens({ kind }, family)).toBe(UNBOUNDABLE_TOKENS);
  });

  it('does not bound video, which has no least size', () => {
    expect(mediaTokens({ kind: 'video' }, 'google')).toBe(UNBOUNDABLE_TOKENS);
  });
});
