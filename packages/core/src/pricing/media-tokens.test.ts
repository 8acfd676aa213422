import { describe, expect, it } from 'vitest';
import { UNBOUNDABLE_TOKENS } from './bound-provider.ts';
import { mediaTokens } from './media-tokens.ts';

const image = { kind: 'image', bytes: undefined } as const;

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

  it('bounds audio by its bytes, and by 9.5 hours where Gemini fetches it', () => {
    // One minute of MP3 at 128 kbit/s is 60 s × 32 tokens on Gemini.
    expect(mediaTokens({ kind: 'audio', bytes: 960_000 }, 'google')).toBeGreaterThanOrEqual(60 * 32);
    // One minute of Opus at 6 kbit/s, the lowest it takes.
    expect(mediaTokens({ kind: 'audio', bytes: 45_000 }, 'google')).toBeGreaterThanOrEqual(60 * 32);
    expect(mediaTokens({ kind: 'audio', bytes: undefined }, 'google')).toBe(34_200 * 32);
    expect(mediaTokens({ kind: 'audio', bytes: undefined }, 'openai')).toBe(UNBOUNDABLE_TOKENS);
  });

  it('counts video by its seconds and frame rate', () => {
    const minute = { kind: 'video', bytes: 60 * 32_000 } as const;
    expect(mediaTokens(minute, 'google')).toBeGreaterThanOrEqual(60 * (258 + 32));
    const slow = mediaTokens({ kind: 'video', bytes: 240_000 }, 'google');
    const fast = mediaTokens({ kind: 'video', bytes: 240_000, framesPerSecond: 10 }, 'google');
    expect(slow).toBeGreaterThanOrEqual(60 * (258 + 32));
    expect(fast).toBeGreaterThanOrEqual(60 * (10 * 258 + 32));
    expect(mediaTokens({ kind: 'video', bytes: 1, framesPerSecond: Number.NaN }, 'google')).toBe(UNBOUNDABLE_TOKENS);
    expect(mediaTokens({ kind: 'video', bytes: undefined }, 'google')).toBe(UNBOUNDABLE_TOKENS);
  });

  it('counts a PDF by pages of text and image, a thousand at most', () => {
    expect(mediaTokens({ kind: 'pdf', bytes: 1 }, 'anthropic')).toBeGreaterThanOrEqual(3_000 + 4_784);
    expect(mediaTokens({ kind: 'pdf', bytes: undefined }, 'google')).toBe(1_300_000);
    expect(mediaTokens({ kind: 'pdf', bytes: 1e9 }, 'google')).toBe(1_300_000);
  });

  it('does not bound a file of unknown kind', () => {
    expect(mediaTokens({ kind: 'file', bytes: 10 }, 'openai')).toBe(UNBOUNDABLE_TOKENS);
  });
});
