/** Which wire format answers which path; every provider has its own base path. */
import type { Provider } from './request.ts';
import { PROVIDERS } from './request.ts';
import { anthropicMessages } from './wire/anthropic.ts';
import { googleEmbeddings } from './wire/google-embeddings.ts';
import { googleGenerate } from './wire/google.ts';
import { mistralChat, mistralFim } from './wire/mistral.ts';
import { openaiChat } from './wire/openai-chat.ts';
import { openaiCompletions } from './wire/openai-completions.ts';
import { mistralEmbeddings, openaiEmbeddings } from './wire/openai-embeddings.ts';
import { openaiImages } from './wire/openai-images.ts';
import { openaiResponses } from './wire/openai-responses.ts';
import type { Target, Wire } from './wire/wire.ts';

/** What follows the simulator's address in a base URL. */
export const BASE_PATHS: Readonly<Record<Provider, string>> = {
  openai: '/openai/v1',
  anthropic: '/anthropic/v1',
  google: '/google/v1beta',
  mistral: '/mistral/v1',
};

const WIRES = new Map<string, Wire>([
  [`${BASE_PATHS.openai}/chat/completions`, openaiChat],
  [`${BASE_PATHS.openai}/completions`, openaiCompletions],
  [`${BASE_PATHS.openai}/responses`, openaiResponses],
  [`${BASE_PATHS.openai}/embeddings`, openaiEmbeddings],
  [`${BASE_PATHS.openai}/images/generations`, openaiImages],
  [`${BASE_PATHS.anthropic}/messages`, anthropicMessages],
  [`${BASE_PATHS.mistral}/chat/completions`, mistralChat],
  [`${BASE_PATHS.mistral}/fim/completions`, mistralFim],
  [`${BASE_PATHS.mistral}/embeddings`, mistralEmbeddings],
]);

const GOOGLE_METHODS = new Map<string, { wire: Wire; streamed: boolean; batch: boolean }>([
  ['generateContent', { wire: googleGenerate, streamed: false, batch: false }],
  ['streamGenerateContent', { wire: googleGenerate, streamed: true, batch: false }],
  ['embedContent', { wire: googleEmbeddings, streamed: false, batch: false }],
  ['batchEmbedContents', { wire: googleEmbeddings, streamed: false, batch: true }],
]);

/** A path that a provider answers. */
export interface Route {
  readonly wire: Wire;
  readonly target: Target;
}

/** The provider whose path this is, in whatever version of its API. */
export function providerOf(path: string): Provider | undefined {
  return PROVIDERS.find((provider) => path.startsWith(`/${provider}/`));
}

/** The route of a path and its query; `undefined` where nothing answers. */
export function findRoute(method: string | undefined, url: URL): Route | undefined {
  if (method !== 'POST') return undefined;
  const wire = WIRES.get(url.pathname);
  if (wire) return { wire, target: { model: undefined, streamed: false, batch: false } };
  // Google's own SDK asks v1, the AI SDK and LangChain v1beta.
  const match = /^\/google\/v1(?:beta)?\/models\/([^/:]+):(\w+)$/.exec(url.pathname);
  const found = GOOGLE_METHODS.get(match?.[2] ?? '');
  if (!match || !found) return undefined;
  // Without alt=sse the real API streams one JSON array, which no client of ours reads.
  if (found.streamed && url.searchParams.get('alt') !== 'sse') return undefined;
  return {
    wire: found.wire,
    target: { model: decodeURIComponent(match[1] ?? ''), streamed: found.streamed, batch: found.batch },
  };
}
