/**
 * Prices that we corrected or added by hand. Each entry says where the figure comes from and when it was read; an
 * entry that changes nothing any more makes the compiler fail, so that these lists only hold what is needed.
 */
import { ANTHROPIC_OVERRIDES } from './overrides/anthropic.ts';
import { GOOGLE_OVERRIDES } from './overrides/google.ts';
import { MISTRAL_OVERRIDES } from './overrides/mistral.ts';
import { OPENAI_OVERRIDES } from './overrides/openai.ts';
import type { Override } from './overrides/override.ts';

/** In the order in which they apply. */
export const OVERRIDES: readonly Override[] = [
  ...OPENAI_OVERRIDES,
  ...ANTHROPIC_OVERRIDES,
  ...GOOGLE_OVERRIDES,
  ...MISTRAL_OVERRIDES,
];

/** Ids of the first source that we leave out, so that their price is unknown rather than wrong. */
export const LEFT_OUT: readonly { readonly provider: string; readonly match: RegExp; readonly reason: string }[] = [
  { provider: 'openai', match: /^gpt-oss/, reason: 'open weights; OpenAI does not serve them, hosts differ in price' },
  { provider: 'openai', match: /^(gpt-5(\.4)?-image|gpt-4o:extended)/, reason: 'names and prices of one router' },
  {
    provider: 'openai',
    match: /^(text-)?(ada|babbage|curie|davinci)|^ft:|\.ft-/,
    reason: 'retired; fine-tuned models are listed by exact base in the overrides',
  },
  {
    provider: 'openai',
    match: /moderation|whisper|transcribe|-tts$/,
    reason: 'not priced by the tokens that usage reports',
  },
  { provider: 'openai', match: /^computer-use$/, reason: 'not an id of the API; the overrides list the real ones' },
  {
    provider: 'openai',
    match: /^(o3-mini-high|o4-mini-high|gpt-5[.-]1-mini|gpt-4o-mini-audio|gpt-4o(-mini)?-realtime)$/,
    reason: 'not ids of the API',
  },
  { provider: 'anthropic', match: /^claude-(2|v1|v2)/, reason: 'retired' },
  {
    provider: 'anthropic',
    match: /\.|^claude-[45]-|-2025$|-latest$/,
    reason: 'other spellings of an id; the look-up translates them',
  },
  { provider: 'google', match: /claude|^gemma|-0$/, reason: 'looked up with Anthropic; free or priced by the host' },
  {
    provider: 'google',
    match: /omni|-tts$|flash-1\.5|pro-1\.5|^gemini-(1\.0-)?pro(-vision-001)?$/,
    reason: 'video or speech; retired',
  },
  { provider: 'google', match: /-exp|thinking|exp-/, reason: 'experimental, free while it lasted' },
  { provider: 'google', match: /^gemini-1\.5|^gemini-2\.5-flash-preview(-04-17|-05-20)?$/, reason: 'retired' },
  {
    provider: 'mistral',
    match: /ocr|voxtral|:free$|-24b-instruct/,
    reason: 'priced by page or minute; names of one router',
  },
];

/** Ids that exist and that the first source prices by a rule of prefixes, without naming them. */
export const MORE_IDS: Readonly<Record<string, readonly string[]>> = {
  openai: [],
  anthropic: [],
  google: [
    'gemini-2.5-pro-preview',
    'gemini-2.5-pro-preview-03-25',
    'gemini-2.5-pro-preview-05-06',
    'gemini-2.5-pro-preview-06-05',
  ],
  mistral: ['magistral-medium-2507', 'magistral-small-2507', 'magistral-small-2509'],
};

/**
 * The standard input rate, in USD per million tokens, to which `model-facts.json` states the tier rates of a model
 * whose price has changed. Tier rates of its other prices follow in proportion.
 */
export const TIER_REFERENCE: Readonly<Record<string, number>> = {
  'gpt-5.6-sol': 5,
  'gpt-5.6-terra': 2,
  'gpt-5.6-luna': 0.2,
  'gemini-3.6-flash': 1.5,
  o3: 2,
};
