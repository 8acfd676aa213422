/** OpenAI's endpoints, and which of the hosts that speak its format an address belongs to. */
import { chatDraft, completionDraft } from './openai-chat.ts';
import type { Endpoints } from './draft.ts';
import { embeddingsDraft } from './embeddings.ts';
import { MISTRAL_ENDPOINTS } from './mistral.ts';
import { imagesDraft } from './openai-images.ts';
import { compactDraft, responsesDraft } from './openai-responses.ts';

const BOOK = 'Send it with a client that is not wrapped and book its cost with guard.charge()';

/** What each of OpenAI's paths costs. Sources: developers.openai.com/api/reference, developers.openai.com/api/docs/pricing. */
export const OPENAI_ENDPOINTS: Endpoints = [
  [/\/chat\/completions$/, chatDraft],
  [/\/responses$/, responsesDraft],
  [/\/embeddings$/, embeddingsDraft],
  [/\/completions$/, completionDraft],
  [/\/images\/(generations|edits|variations)$/, imagesDraft],
  [/\/responses\/compact$/, compactDraft],
  [/\/responses\/input_tokens$|\/responses\/[^/]+\/cancel$|\/chat\/completions\/[^/]+$/, 'free'],
  [/\/(batches|fine_tuning\/jobs|evals\/[^/]+\/runs)\/[^/]+\/(cancel|pause|resume)$/, 'free'],
  [
    /\/(vector_stores|containers)(\/|$)/,
    { unpriceable: `storage and containers are billed by the time they exist. ${BOOK}` },
  ],
  // A token for the identity of a workload.
  [/\/oauth\/token$/, 'free'],
  [/\/moderations$|\/files$|\/uploads$|\/uploads\/[^/]+\/(parts|complete|cancel)$/, 'free'],
  [/\/conversations$|\/conversations\/[^/]+(\/items)?$|\/skills$|\/skills\/[^/]+(\/versions)?$/, 'free'],
  [
    /\/batches$/,
    {
      unpriceable: `a batch is as many calls as its file has lines, and ends after hours. Send the requests one by one, at service_tier 'flex' for the same price. Else: ${BOOK}`,
    },
  ],
  [/\/audio\//, { unpriceable: `audio is billed by the minute or character, which the answer does not say. ${BOOK}` }],
  [/\/videos(\/|$)/, { unpriceable: `videos are billed by the second, after they are made. ${BOOK}` }],
  [
    /\/(realtime|live)(\/|$)/,
    { unpriceable: `a realtime session is billed as it goes on, outside this client. ${BOOK}` },
  ],
  [/\/fine_tuning\//, { unpriceable: `training is billed by what it trained, after hours. ${BOOK}` }],
  [/\/(evals|graders)(\/|$)/, { unpriceable: `an eval asks models on OpenAI’s side. ${BOOK}` }],
  [
    /\/(threads|assistants|chatkit)(\/|$)/,
    { unpriceable: `a run asks models on OpenAI’s side, as often as it likes. ${BOOK}` },
  ],
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

/** Azure's way to name a deployment, also at a gateway before it: there the model in the body says nothing. */
const DEPLOYMENT = /\/openai\/deployments\//;

/** What each path costs at a provider: Mistral has others under the same names, and bills what is free at OpenAI. */
export function openaiEndpoints(provider: string): Endpoints {
  return provider === 'mistral' ? MISTRAL_ENDPOINTS : OPENAI_ENDPOINTS;
}

/**
 * The provider behind an address that an OpenAI client talks to. A host that is not known, such as a proxy, is taken for
 * OpenAI's own: its prices are those of the models' names.
 */
export function openaiProvider(url: string): string {
  const host = /^https?:\/\/(?:[^/@]*@)?([^/:?#]+)/.exec(url)?.[1] ?? '';
  for (const [pattern, provider] of HOSTS) if (pattern.test(host)) return provider;
  return DEPLOYMENT.test(url) ? 'azure' : 'openai';
}

/** Where the data stays in a region: `eu.api.openai.com` and its like (developers.openai.com/api/docs/guides/data-residency). */
const REGIONAL = /^https?:\/\/[a-z]{2}\.api\.openai\.com[/:]/;

/** The provider by whose prices an address bills, by the price catalog's names, where it has some of its own. */
export function openaiPricedAs(url: string): string | undefined {
  return REGIONAL.test(url) ? 'openai.regional' : undefined;
}
