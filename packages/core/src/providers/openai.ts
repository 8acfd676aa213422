/** OpenAI's endpoints, and which of the hosts that speak its format an address belongs to. */
import { chatDraft, completionDraft } from './openai-chat.ts';
import type { Endpoints } from './draft.ts';

/** What each of OpenAI's paths costs. Sources: developers.openai.com/api/reference, developers.openai.com/api/docs/pricing. */
export const OPENAI_ENDPOINTS: Endpoints = [
  [/\/chat\/completions$/, chatDraft],
  [/\/completions$/, completionDraft],
];

/** Hosts that serve OpenAI's format, by the price catalog's names. */
const HOSTS: readonly (readonly [pattern: RegExp, provider: string])[] = [
  [/(^|\.)openai\.azure\.com$|(^|\.)cognitiveservices\.azure\.com$|(^|\.)services\.ai\.azure\.com$/, 'azure'],
  [/(^|\.)openrouter\.ai$/, 'openrouter'],
  [/^ai-gateway\.vercel\.sh$/, 'gateway'],
  [/(^|\.)mistral\.ai$/, 'mistral'],
  [/^generativelanguage\.googleapis\.com$/, 'google'],
  [/(^|\.)anthropic\.com$/, 'anthropic'],
  [/(^|\.)x\.ai$/, 'xai'],
  [/(^|\.)deepseek\.com$/, 'deepseek'],
  [/(^|\.)groq\.com$/, 'groq'],
];

/**
 * The provider behind an address that an OpenAI client talks to. A host that is not known, such as a proxy, is taken for
 * OpenAI's own: its prices are those of the models' names.
 */
export function openaiProvider(url: string): string {
  let host: string;
  try {
    host = new URL(url).hostname;
  } catch {
    return 'openai';
  }
  for (const [pattern, provider] of HOSTS) if (pattern.test(host)) return provider;
  return 'openai';
}
