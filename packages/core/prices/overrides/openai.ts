/** Corrections of OpenAI's prices, and models that the first source lacks. */
import type { Override } from './override.ts';

const OPENAI = 'https://developers.openai.com/api/docs/pricing';
const OPENAI_MODELS = 'https://platform.openai.com/docs/models';
const OPENAI_IMAGES = 'https://developers.openai.com/api/docs/guides/image-generation';
const checked = '2026-11-23';
/** High quality 1024x1536 takes 6,240 tokens; up to three partial images of a stream take 100 each. */
const GPT_IMAGE_TOKENS = 6_540;
/** 96 x 96 x (2,000,000 + 8,294,400 pixels) / 4,000,000 for the largest high-quality square, and three partial images. */
const GPT_IMAGE_2_TOKENS = 24_019;

export const OPENAI_OVERRIDES: readonly Override[] = [
  // OpenAI: audio, search, images
  {
    provider: 'openai',
    ids: ['gpt-4o-audio-preview', 'gpt-4o-audio-preview-2024-12-17', 'gpt-4o-audio-preview-2025-06-03'],
    set: { rates: { inputAudio: 40, outputAudio: 80 } },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    ids: ['gpt-4o-mini-audio-preview', 'gpt-4o-mini-audio-preview-2024-12-17'],
    set: { rates: { inputAudio: 10, outputAudio: 20 } },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    match: /^gpt-4o(-mini)?-search-preview/,
    set: { fees: { web_search: 25 } },
    source: OPENAI,
    checked,
  },
  // A search adds a fixed block of 8,000 input tokens that the usage does not show.
  {
    provider: 'openai',
    ids: ['gpt-4o-mini', 'gpt-4o-mini-2024-07-18'],
    set: { fees: { web_search: 11.2 } },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    ids: ['gpt-4.1-mini', 'gpt-4.1-mini-2025-04-14'],
    set: { fees: { web_search: 13.2 } },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    ids: ['gpt-5-search-api', 'gpt-5-search-api-2025-10-14'],
    set: { rates: { input: 1.25, cacheRead: 0.125, output: 10 } },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    ids: ['computer-use-preview', 'computer-use-preview-2025-03-11'],
    set: { rates: { input: 3, output: 12 }, maxInput: 8_192, maxOutput: 1_024 },
    source: OPENAI_MODELS,
    checked,
  },
  {
    provider: 'openai',
    ids: ['gpt-image-1', 'gpt-image-1-mini', 'gpt-image-1.5', 'gpt-image-1.5-2025-12-16'],
    set: { kind: 'image', imageTokens: GPT_IMAGE_TOKENS },
    source: OPENAI_IMAGES,
    checked,
  },
  {
    provider: 'openai',
    ids: ['chatgpt-image-latest'],
    set: {
      kind: 'image',
      imageTokens: GPT_IMAGE_2_TOKENS,
      rates: { input: 5, cacheRead: 1.25, inputImage: 8, output: 10, outputImage: 32 },
    },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    ids: ['gpt-image-2', 'gpt-image-2-2026-04-21'],
    set: { kind: 'image', imageTokens: GPT_IMAGE_2_TOKENS },
    source: OPENAI_IMAGES,
    checked,
  },
  {
    provider: 'openai',
    ids: ['dall-e-3'],
    set: { kind: 'image', perImage: 0.12, rates: { input: 0, output: 0 } },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    ids: ['dall-e-2'],
    set: { kind: 'image', perImage: 0.02, rates: { input: 0, output: 0 } },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    ids: ['gpt-6.1-sol'],
    set: {
      rates: { input: 2, cacheRead: 0.1, cacheWrite: 2.5, output: 10 },
      above: 272_000,
      long: { input: 4, cacheRead: 0.2, cacheWrite: 5, output: 15 },
      maxInput: 1_050_000,
      dated: true,
    },
    source: 'https://developers.openai.com/api/docs/models/gpt-6.1-sol',
    checked,
  },
  // OpenAI: fine-tuned models, at the rates of inference on the fine-tuned model
  {
    provider: 'openai',
    ids: ['ft:gpt-3.5-turbo', 'ft:gpt-3.5-turbo-0125', 'ft:gpt-3.5-turbo-1106', 'ft:gpt-3.5-turbo-0613'],
    set: { rates: { input: 3, output: 6 }, maxInput: 16_385, maxOutput: 4_096 },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    ids: ['ft:gpt-4o-2024-08-06', 'ft:gpt-4o-2024-11-20'],
    set: { rates: { input: 3.75, cacheRead: 1.875, output: 15 }, maxInput: 128_000, maxOutput: 16_384 },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    ids: ['ft:gpt-4o-mini-2024-07-18'],
    set: { rates: { input: 0.3, cacheRead: 0.15, output: 1.2 }, maxInput: 128_000, maxOutput: 16_384 },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    ids: ['ft:gpt-4.1-2025-04-14'],
    set: { rates: { input: 3, cacheRead: 0.75, output: 12 }, maxInput: 1_047_576, maxOutput: 32_768 },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    ids: ['ft:gpt-4.1-mini-2025-04-14'],
    set: { rates: { input: 0.8, cacheRead: 0.2, output: 3.2 }, maxInput: 1_047_576, maxOutput: 32_768 },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    ids: ['ft:gpt-4.1-nano-2025-04-14'],
    set: { rates: { input: 0.2, cacheRead: 0.05, output: 0.8 }, maxInput: 1_047_576, maxOutput: 32_768 },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    ids: ['ft:o4-mini-2025-04-16'],
    set: { rates: { input: 4, cacheRead: 1, output: 16 }, maxInput: 200_000, maxOutput: 100_000 },
    source: OPENAI,
    checked,
  },
  // OpenAI: limits
  {
    provider: 'openai',
    ids: ['gpt-4', 'gpt-4-0314', 'gpt-4-0613'],
    // The window of 8,192 is shared; an answer to a short prompt can take nearly all of it.
    set: { maxOutput: 8_192 },
    source: OPENAI_MODELS,
    checked,
  },
  {
    provider: 'openai',
    ids: ['chatgpt-4o-latest', 'gpt-4.5-preview'],
    set: { maxInput: 128_000, maxOutput: 16_384 },
    source: OPENAI_MODELS,
    checked,
  },
  {
    provider: 'openai',
    ids: ['o1-mini', 'o1-mini-2024-09-12'],
    set: { maxOutput: 65_536 },
    source: OPENAI_MODELS,
    checked,
  },
  {
    provider: 'openai',
    ids: ['o1-preview', 'o1-preview-2024-09-12'],
    set: { maxOutput: 32_768 },
    source: OPENAI_MODELS,
    checked,
  },
  // Exactly 272,000 tokens still pay the short rates.
  {
    provider: 'openai',
    match: /^gpt-(5[.-][456]|6-astra)/,
    set: { above: 272_000 },
    source: OPENAI,
    checked,
  },
  {
    provider: 'openai',
    ids: ['gpt-chat-latest'],
    set: { maxInput: 400_000, maxOutput: 128_000 },
    source: OPENAI_MODELS,
    checked,
  },
  {
    provider: 'openai',
    match: /^gpt-6[-.]/,
    set: { maxOutput: 128_000 },
    source: OPENAI_MODELS,
    checked,
  },
];
