/**
 * Reads a model id as routers, clouds and SDKs write it: `openai/gpt-4o`, `models/gemini-2.5-pro`,
 * `us.anthropic.claude-sonnet-4-5-20250929-v1:0`, `claude-sonnet-4-5@20250929`, `ft:gpt-4o-mini-2024-07-18:org::id`.
 */

/** Where to look a model up, and whether it is served from a regional endpoint. */
export interface ModelRoute {
  /** The catalog's provider. */
  readonly provider: string;
  readonly id: string;
  /** Served from a regional endpoint, which newer models of Anthropic and OpenAI price higher. */
  readonly regional: boolean;
}

/** The provider's name for OpenAI where the data stays in a region (`eu.api.openai.com` and its like). */
export const OPENAI_REGIONAL = 'openai.regional';

const VENDORS: Readonly<Record<string, string>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  google: 'google',
  'google-genai': 'google',
  'google-generative-ai': 'google',
  gemini: 'google',
  mistral: 'mistral',
  mistralai: 'mistral',
};

/** Clouds that serve several vendors' models under ids of their own. */
const CLOUDS: Readonly<Record<string, 'bedrock' | 'vertex'>> = {
  'amazon-bedrock': 'bedrock',
  bedrock: 'bedrock',
  aws: 'bedrock',
  'google-vertex': 'vertex',
  vertex: 'vertex',
  vertexai: 'vertex',
};

/** Routers that pass the vendor's price on; the vendor stands before the slash. */
const ROUTERS: ReadonlySet<string> = new Set(['gateway', 'vercel', 'openrouter', 'litellm']);

/** `us.anthropic.claude-sonnet-4-5-20250929-v1:0`: region, model, version. */
const BEDROCK_CLAUDE = /^(?:([a-z]{2,6}(?:-gov)?)\.)?anthropic\.(claude-.+?)(?:-v\d+(?::\d+(?::\d+k)?)?)?$/;

/**
 * Where to look a model up, the likeliest place first; empty where the provider is none that we know. Azure is not
 * among them: a deployment's name says nothing about its model, so it needs a price of its own.
 */
export function modelRoutes(provider: string, model: string): readonly ModelRoute[] {
  const name = (provider.split('.', 1)[0] ?? provider).toLowerCase().replaceAll('_', '-');
  const vendor = entry(VENDORS, name);
  const cloud = entry(CLOUDS, name);
  if (vendor === undefined && cloud === undefined && !ROUTERS.has(name)) return [];

  const routes: ModelRoute[] = [];
  const slash = model.indexOf('/');
  if (slash > 0) {
    // A prefix names the vendor, also where an OpenAI-compatible client talks to a router. OpenRouter's own price,
    // where it differs from the vendor's, comes first.
    if (name !== 'gateway' && name !== 'vercel') routes.push({ provider: 'openrouter', id: model, regional: false });
    const named = entry(VENDORS, model.slice(0, slash));
    if (named !== undefined) routes.push(...vendorRoutes(named, model.slice(slash + 1)));
  }
  const bare = model.slice(model.lastIndexOf('/') + 1);
  // `models/gemini-2.5-pro`, `publishers/anthropic/models/claude-…`, `arn:…:inference-profile/us.anthropic.claude-…`
  const inPath = slash < 0 || /(?:^|[/:])(?:models|inference-profile|foundation-model)\/[^/]+$/.test(model);
  if (!inPath) return routes;
  if (cloud === 'bedrock') routes.push(...bedrockRoutes(bare));
  else if (cloud === 'vertex')
    routes.push(...vendorRoutes('google', bare), ...vendorRoutes('anthropic', bare), ...vendorRoutes('mistral', bare));
  else if (vendor !== undefined) routes.push(...vendorRoutes(vendor, bare));
  return provider === OPENAI_REGIONAL ? routes.map((route) => ({ ...route, regional: true })) : routes;
}

function vendorRoutes(provider: string, id: string): ModelRoute[] {
  if (provider === 'anthropic' && id.includes('anthropic.')) return bedrockRoutes(id);
  if (provider === 'openai' && id.startsWith('ft:')) {
    // Fine-tuned models have rates of their own, listed as `ft:` and the base model.
    const base = id.split(':', 2)[1] ?? '';
    return [{ provider, id: `ft:${base}`, regional: false }];
  }
  if (provider === 'anthropic') return [{ provider, id: claudeId(id), regional: false }];
  return [{ provider, id, regional: false }];
}

/** Routers write `claude-sonnet-4.5` or `claude-4.5-sonnet`, and mark variants that cost the same. */
function claudeId(id: string): string {
  const plain = id.replace(/(?::beta|:thinking|-latest|@default|@latest)$/, '').replaceAll('.', '-');
  return plain.replace(/^claude-([4-9](?:-\d)?)-(opus|sonnet|haiku)/, 'claude-$2-$1');
}

function bedrockRoutes(id: string): ModelRoute[] {
  const claude = BEDROCK_CLAUDE.exec(id);
  if (claude?.[2] === undefined) return [{ provider: 'bedrock', id, regional: false }];
  // Only the `global` profile is served at the vendor's price; a single region and the regional profiles cost more.
  return [{ provider: 'anthropic', id: claudeId(claude[2]), regional: claude[1] !== 'global' }];
}

const RELEASE_DATE = /^(.+?)[-@]20\d{2}(-?)(?:0[1-9]|1[0-2])\2(?:0[1-9]|[12]\d|3[01])$/;

/** The id without a release date at its end (`-2025-04-14`, `-20250929`, `@20250929`), or `undefined` where there is none. */
export function withoutDate(id: string): string | undefined {
  return RELEASE_DATE.exec(id)?.[1];
}

function entry<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
