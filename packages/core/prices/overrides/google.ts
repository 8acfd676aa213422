/** Corrections of Google's prices, and models that the first source lacks. */
import type { Override } from './override.ts';

const GOOGLE = 'https://ai.google.dev/gemini-api/docs/pricing';
const checked = '2026-11-23';

export const GOOGLE_OVERRIDES: readonly Override[] = [
  {
    provider: 'google',
    match: /^gemini-3/,
    set: { fees: { web_search: 14, google_search: 14, google_maps: 14 } },
    source: GOOGLE,
    checked,
  },
  {
    provider: 'google',
    match: /^gemini-(2\.5-pro|2\.5-flash(-lite)?(-latest|-preview-09-2025)?$|3)/,
    set: { maxOutput: 65_536, maxInput: 1_048_576 },
    source: 'https://ai.google.dev/gemini-api/docs/models',
    checked,
  },
  // Aliases that move: at the dearest model that they have pointed at. The answer names the model that served.
  {
    provider: 'google',
    ids: ['gemini-flash-latest'],
    set: {
      rates: { input: 1.5, cacheRead: 0.15, output: 9 },
      maxInput: 1_048_576,
      maxOutput: 65_536,
      fees: { web_search: 35, google_search: 35 },
    },
    source: GOOGLE,
    checked,
  },
  {
    provider: 'google',
    ids: ['gemini-flash-lite-latest'],
    set: {
      rates: { input: 0.3, cacheRead: 0.03, output: 2.5, inputAudio: 0.5, cacheReadAudio: 0.05 },
      maxOutput: 65_536,
    },
    source: GOOGLE,
    checked,
  },
  {
    provider: 'google',
    ids: ['gemini-pro-latest'],
    set: {
      rates: { input: 2, cacheRead: 0.2, output: 12 },
      above: 200_000,
      long: { input: 4, cacheRead: 0.4, output: 18 },
      maxOutput: 65_536,
    },
    source: GOOGLE,
    checked,
  },
  {
    provider: 'google',
    ids: ['gemini-2.5-computer-use-preview-10-2025'],
    set: { rates: { input: 1.25, output: 10 }, above: 200_000, long: { input: 2.5, output: 15 }, maxOutput: 65_536 },
    source: GOOGLE,
    checked,
  },
  {
    provider: 'google',
    ids: ['gemini-2.5-flash-image', 'gemini-2.5-flash-image-preview'],
    set: { imageTokens: 1_290, maxOutput: 32_768 },
    source: GOOGLE,
    checked,
  },
  {
    provider: 'google',
    ids: ['gemini-3-pro-image', 'gemini-3-pro-image-preview'],
    set: { imageTokens: 2_000, maxOutput: 32_768 },
    source: GOOGLE,
    checked,
  },
  {
    provider: 'google',
    ids: ['gemini-3.1-flash-image', 'gemini-3.1-flash-image-preview'],
    set: { imageTokens: 2_520 },
    source: GOOGLE,
    checked,
  },
  {
    provider: 'google',
    ids: ['gemini-3.1-flash-lite-image'],
    set: { imageTokens: 1_120 },
    source: GOOGLE,
    checked,
  },
  {
    provider: 'google',
    ids: ['imagen-4.0-generate-001'],
    set: { kind: 'image', perImage: 0.04, rates: { input: 0, output: 0 } },
    source: GOOGLE,
    checked,
  },
  {
    provider: 'google',
    ids: ['imagen-4.0-ultra-generate-001'],
    set: { kind: 'image', perImage: 0.06, rates: { input: 0, output: 0 } },
    source: GOOGLE,
    checked,
  },
  {
    provider: 'google',
    ids: ['imagen-4.0-fast-generate-001'],
    set: { kind: 'image', perImage: 0.02, rates: { input: 0, output: 0 } },
    source: GOOGLE,
    checked,
  },
];
