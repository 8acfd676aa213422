/** All that a wrapped client needs once it sends its first request. */
import { ANTHROPIC_ENDPOINTS } from '../providers/anthropic.ts';
import { GOOGLE_ENDPOINTS, googleProvider } from '../providers/google.ts';
import { MISTRAL_ENDPOINTS } from '../providers/mistral.ts';
import { OPENAI_ENDPOINTS, openaiEndpoints, openaiPricedAs, openaiProvider } from '../providers/openai.ts';
import type { Dialect } from './guarded-fetch.ts';

export { guardedFetch } from './guarded-fetch.ts';

/** The dialects of the clients. */
export const DIALECTS = {
  openai: { provider: openaiProvider, pricedAs: openaiPricedAs, endpoints: openaiEndpoints },
  azure: { provider: () => 'azure', endpoints: () => OPENAI_ENDPOINTS },
  anthropic: { provider: () => 'anthropic', endpoints: () => ANTHROPIC_ENDPOINTS },
  google: { provider: googleProvider, endpoints: () => GOOGLE_ENDPOINTS },
  mistral: { provider: () => 'mistral', endpoints: () => MISTRAL_ENDPOINTS },
} satisfies Record<string, Dialect>;
