/** All that a wrapped client needs once it sends its first request. */
import { OPENAI_ENDPOINTS, openaiProvider } from '../providers/openai.ts';
import type { Dialect } from './guarded-fetch.ts';

export { guardedFetch } from './guarded-fetch.ts';

/** The dialects of the clients. */
export const DIALECTS = {
  openai: { provider: openaiProvider, endpoints: OPENAI_ENDPOINTS },
  azure: { provider: () => 'azure', endpoints: OPENAI_ENDPOINTS },
} satisfies Record<string, Dialect>;
