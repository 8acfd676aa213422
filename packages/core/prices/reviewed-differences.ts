/**
 * Where the second source (`ai-sdk-cost-calculator`) and our catalog disagree, and why we keep our figure. The check
 * fails on a difference that is not listed here, and on an entry that is no longer one.
 */

/** The day on which the prices are compared: a price that changes later must not fail the check by itself. */
export const COMPARED_AT = '2026-11-23';

export interface ReviewedDifference {
  /** `provider/model`. */
  readonly model: string;
  readonly field: string;
  /** USD per million tokens; per image for `perImage`, per 1,000 calls for fees, tokens for `above`. */
  readonly ours: number;
  readonly theirs: number;
  readonly reason: string;
}

const SEARCH_BLOCK = 'The fee, and a block of 8,000 input tokens per search that the usage does not show.';
const PROMOTION = 'Half price through 2026-12-31, as for 3.7 and 3.8 (ai.google.dev/gemini-api/docs/pricing).';
const GROUNDING = 'Gemini 2.x: 35 per 1,000 grounded prompts, 25 with Maps (ai.google.dev/gemini-api/docs/pricing).';
const BARE_ALIAS = 'No id of the API today; the dearer model that has gone by this name.';
const NO_CACHE_PRICE = 'The first source publishes no cache price for it; charged as ordinary input.';
const PUBLISHED = 'As published by Mistral.';
const ROUTER_PRICE = 'Theirs is what a router asks for the open weights.';

export const REVIEWED_DIFFERENCES: readonly ReviewedDifference[] = [
  { model: 'openai/gpt-4o-mini', field: 'web_search', ours: 11.2, theirs: 10, reason: SEARCH_BLOCK },
  { model: 'openai/gpt-4o-mini-2024-07-18', field: 'web_search', ours: 11.2, theirs: 10, reason: SEARCH_BLOCK },
  { model: 'openai/gpt-4.1-mini', field: 'web_search', ours: 13.2, theirs: 10, reason: SEARCH_BLOCK },
  { model: 'google/gemini-3.6-flash', field: 'input', ours: 0.75, theirs: 1.5, reason: PROMOTION },
  { model: 'google/gemini-3.6-flash', field: 'output', ours: 3.75, theirs: 7.5, reason: PROMOTION },
  { model: 'google/gemini-3.6-flash', field: 'cacheRead', ours: 0.075, theirs: 0.15, reason: PROMOTION },
  { model: 'google/gemini-3.6-flash', field: 'reasoning', ours: 3.75, theirs: 7.5, reason: PROMOTION },
  { model: 'google/gemini-2.0-flash', field: 'web_search', ours: 35, theirs: 14, reason: GROUNDING },
  { model: 'google/gemini-2.0-flash', field: 'google_maps', ours: 25, theirs: 7, reason: GROUNDING },
  { model: 'mistral/mistral-large', field: 'input', ours: 2, theirs: 0.5, reason: BARE_ALIAS },
  { model: 'mistral/mistral-large', field: 'output', ours: 6, theirs: 1.5, reason: BARE_ALIAS },
  { model: 'mistral/mistral-large', field: 'cacheRead', ours: 2, theirs: 0.05, reason: BARE_ALIAS },
  { model: 'mistral/mistral-medium-3', field: 'input', ours: 1.5, theirs: 0.4, reason: BARE_ALIAS },
  { model: 'mistral/mistral-medium-3', field: 'output', ours: 7.5, theirs: 2, reason: BARE_ALIAS },
  { model: 'mistral/devstral-medium-latest', field: 'cacheRead', ours: 0.4, theirs: 0.04, reason: NO_CACHE_PRICE },
  { model: 'mistral/devstral-2512', field: 'output', ours: 2, theirs: 0.9, reason: PUBLISHED },
  { model: 'mistral/devstral-small-latest', field: 'cacheRead', ours: 0.1, theirs: 0.01, reason: NO_CACHE_PRICE },
  { model: 'mistral/devstral-small', field: 'cacheRead', ours: 0.1, theirs: 0.01, reason: NO_CACHE_PRICE },
  { model: 'mistral/pixtral-12b', field: 'input', ours: 0.15, theirs: 0.1, reason: PUBLISHED },
  { model: 'mistral/pixtral-12b', field: 'output', ours: 0.15, theirs: 0.1, reason: PUBLISHED },
  { model: 'mistral/pixtral-12b-2409', field: 'input', ours: 0.15, theirs: 0.1, reason: PUBLISHED },
  { model: 'mistral/pixtral-12b-2409', field: 'output', ours: 0.15, theirs: 0.1, reason: PUBLISHED },
  { model: 'mistral/magistral-small-latest', field: 'cacheRead', ours: 0.5, theirs: 0.05, reason: NO_CACHE_PRICE },
  { model: 'mistral/magistral-medium-latest', field: 'cacheRead', ours: 2, theirs: 0.2, reason: NO_CACHE_PRICE },
  { model: 'mistral/mistral-nemo', field: 'input', ours: 0.15, theirs: 0.02, reason: ROUTER_PRICE },
  { model: 'mistral/mistral-nemo', field: 'output', ours: 0.15, theirs: 0.03, reason: ROUTER_PRICE },
];
