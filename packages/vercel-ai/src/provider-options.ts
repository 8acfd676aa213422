/**
 * What `providerOptions` say about a call's price: thinking on top of the cap, other names for the cap, service tiers,
 * prompt caching, and state at the provider that the prompt does not show.
 */
import type { ModelIdentity, ModelName } from './provider-name.ts';
import { count, fields, list, text, type Fields } from './shape.ts';

/** A call's parameters, in the shape that all model versions share. */
export interface CallParams {
  readonly prompt?: unknown;
  readonly maxOutputTokens?: number | undefined;
  readonly tools?: readonly unknown[] | undefined;
  readonly toolChoice?: unknown;
  readonly responseFormat?: unknown;
  readonly reasoning?: unknown;
  readonly providerOptions?: unknown;
  readonly abortSignal?: AbortSignal | undefined;
}

// Providers read more namespaces than their own: Azure OpenAI's, Vertex Google's, and everything passes the gateway.
const SHARED: Readonly<Record<string, readonly string[]>> = {
  azure: ['openai'],
  'google-vertex': ['googleVertex', 'vertex', 'google', 'anthropic'],
  'amazon-bedrock': ['bedrock', 'amazonBedrock', 'anthropic'],
};

/** The options that the model will read, all namespaces in one; later namespaces win, as in the SDK. */
export function optionsFor(model: ModelIdentity, name: ModelName, params: CallParams): Fields {
  const options = fields(params.providerOptions) ?? {};
  const namespaces = new Set(namespacesOf(model, name));
  return Object.assign(
    {},
    ...Object.keys(options).flatMap((key) => (namespaces.has(key) ? [fields(options[key])] : [])),
  ) as Fields;
}

/** The namespaces of provider options that a model reads. */
export function namespacesOf(model: ModelIdentity, { provider }: ModelName): string[] {
  const root = model.provider.split('.')[0] ?? model.provider;
  const family = isClaude(provider, model.modelId) ? ['anthropic'] : [];
  return [
    ...(SHARED[provider] ?? []),
    'openaiCompatible',
    'openai-compatible',
    provider,
    root,
    camelCase(root),
    ...family,
  ];
}

function camelCase(name: string): string {
  return name.replace(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Whether Anthropic's rules hold: its own API, and Claude on Bedrock or Vertex. */
function isClaude(provider: string, model: string): boolean {
  return provider === 'anthropic' || /claude/i.test(model);
}

/**
 * Other names for the output cap. OpenAI's chat models read `maxCompletionTokens` before the cap, and compatible
 * providers copy unknown options into the body, where they override it.
 */
const CAPS = [
  'maxCompletionTokens',
  'max_completion_tokens',
  'max_tokens',
  'max_output_tokens',
  'maxTokens',
  'maxOutputTokens',
] as const;

/** The cap that the provider would be sent. */
export function callerCap(options: Fields, params: CallParams): number | undefined {
  for (const cap of CAPS) if (count(options[cap]) !== undefined) return count(options[cap]);
  return params.maxOutputTokens;
}

/** The provider options with every other name for the cap set to the granted one. */
export function withCap(providerOptions: unknown, cap: number | undefined): unknown {
  const options = fields(providerOptions);
  if (options === undefined || cap === undefined) return providerOptions;
  const namespaces = Object.entries(options);
  if (!namespaces.some(([, value]) => CAPS.some((name) => fields(value)?.[name] !== undefined))) return providerOptions;
  return Object.fromEntries(namespaces.map(([key, value]) => [key, capped(value, cap)]));
}

function capped(value: unknown, cap: number): unknown {
  const options = fields(value);
  if (options === undefined) return value;
  return Object.fromEntries(
    Object.entries(options).map(([key, option]) => [key, CAPS.some((name) => name === key) ? cap : option]),
  );
}

// How the SDK turns its reasoning levels into a share of the model's largest output
// (@ai-sdk/provider-utils, mapReasoningToProviderBudget); the largest of Claude models with a budget is 64,000.
const REASONING_SHARE: Readonly<Record<string, number>> = {
  minimal: 0.02,
  low: 0.1,
  medium: 0.3,
  high: 0.6,
  xhigh: 0.9,
  max: 0.95,
};
const CLAUDE_MAX_OUTPUT = 64_000;
const MIN_BUDGET = 1_024;

/**
 * Output that the SDK asks for on top of the cap. For Claude with a thinking budget it sends the sum of both; OpenAI,
 * Gemini and Mistral count reasoning inside the cap. A predicted output that OpenAI rejects is billed as output too.
 */
export function extraOutput(name: ModelName, options: Fields, params: CallParams): number {
  return predictionTokens(options) + (isClaude(name.provider, name.model) ? thinkingBudget(name, options, params) : 0);
}

function thinkingBudget({ model }: ModelName, options: Fields, params: CallParams): number {
  const thinking =
    fields(options['thinking']) ?? fields(options['reasoningConfig']) ?? fields(options['reasoning_config']);
  if (thinking?.['type'] === 'enabled') return count(thinking['budgetTokens']) ?? MIN_BUDGET;
  if (thinking?.['type'] !== undefined || options['effort'] !== undefined || thinksByEffort(model)) return 0;
  const share = REASONING_SHARE[text(params.reasoning) ?? ''];
  return share === undefined ? 0 : Math.max(MIN_BUDGET, Math.ceil(CLAUDE_MAX_OUTPUT * share));
}

/** Claude 4.6 and later think by effort, without a budget (@ai-sdk/anthropic, anthropic-model-catalog). */
function thinksByEffort(model: string): boolean {
  return /claude-(opus|sonnet)-4-[6-9]|claude-[a-z]+-([5-9]|[1-9]\d)(\D|$)/.test(model);
}

/**
 * Whether the caller asks for reasoning: streams show a summary of it, or nothing, and all of it is billed. Otherwise the
 * guard decides by the model's name.
 */
export function asksForReasoning(options: Fields, params: CallParams): true | undefined {
  const thinking =
    fields(options['thinking']) ?? fields(options['reasoningConfig']) ?? fields(options['reasoning_config']);
  const google = fields(options['thinkingConfig']);
  const asked =
    isEffort(params.reasoning) ||
    isEffort(options['reasoningEffort'] ?? options['reasoning_effort'] ?? options['effort']) ||
    (thinking !== undefined && thinking['type'] !== 'disabled') ||
    (google !== undefined && google['thinkingBudget'] !== 0);
  return asked || undefined;
}

function isEffort(level: unknown): boolean {
  return text(level) !== undefined && level !== 'none' && level !== 'provider-default';
}

function predictionTokens(options: Fields): number {
  const prediction = fields(options['prediction'])?.['content'];
  const length =
    typeof prediction === 'string'
      ? prediction.length
      : prediction === undefined
        ? 0
        : JSON.stringify(prediction).length;
  return length * 3;
}

/** The tier asked for. Claude's fast mode and US-only inference have prices of their own, like tiers. */
export function askedTier(name: ModelName, options: Fields): string | undefined {
  if (options['speed'] === 'fast') return 'fast';
  if (options['inferenceGeo'] === 'us') return 'us';
  const tier = text(options['serviceTier']) ?? text(options['service_tier']) ?? text(options['sharedRequestType']);
  // Anthropic's `auto` is its default: capacity that was paid for beforehand, where there is any.
  return isClaude(name.provider, name.model) && tier === 'auto' ? undefined : tier;
}

/** State at the provider that becomes input without standing in the prompt: its size is unknown. */
const STATE = [
  'previousResponseId', 'conversation', 'compactionTrigger', // OpenAI
  'cachedContent', 'continuationToken', 'previousInteractionId', // Google
  'container', 'mcpServers', 'thread', 'compaction', // Anthropic
  'contextManagement', 'fallbacks', 'previous_response_id', 'prompt_id',
] as const; // prettier-ignore

/** Whether the input can be larger than the prompt shows. */
export function hasHiddenInput(options: Fields, prompt: unknown): boolean {
  if (STATE.some((key) => options[key] !== undefined && options[key] !== null && options[key] !== false)) return true;
  // Results of tools that OpenAI ran are sent back by reference only.
  return (
    options['store'] !== false &&
    list(prompt).some((message) => list(fields(message)?.['content']).some((part) => isStoredToolPart(fields(part))))
  );
}

function isStoredToolPart(part: Fields | undefined): boolean {
  if (part?.['providerExecuted'] !== true) return false;
  const metadata = fields(part['providerOptions']);
  return text(fields(metadata?.['openai'] ?? metadata?.['azure'])?.['itemId']) !== undefined;
}

/** The longest cache lifetime that the request asks Claude for; `undefined` for models that cache on their own. */
export function cacheWrite(name: ModelName, options: Fields, params: CallParams): 'none' | '5m' | '1h' | undefined {
  if (!isClaude(name.provider, name.model)) return undefined;
  const marks = new CacheMarks();
  marks.see(options['cacheControl'] ?? options['cache_control']);
  for (const tool of params.tools ?? []) marks.seeHolder(tool);
  // Plain loops: this runs before every call, over the whole conversation.
  for (const message of list(params.prompt)) {
    marks.seeHolder(message);
    for (const part of list((message as Fields | null)?.['content'])) {
      marks.seeHolder(part);
      const output = (part as Fields | null)?.['output'];
      if (output === undefined) continue;
      marks.seeHolder(output);
      for (const entry of list(fields(output)?.['value'])) marks.seeHolder(entry);
    }
  }
  return marks.longest ?? (name.provider === 'anthropic' ? 'none' : undefined);
}

/** The cache marks that a request carries. */
class CacheMarks {
  longest: '5m' | '1h' | undefined;

  /** One mark: `{ type: 'ephemeral', ttl?: '5m' | '1h' }`. A lifetime that we don't know counts as the dearest. */
  see(mark: unknown): void {
    const ttl = fields(mark)?.['ttl'];
    if (fields(mark) !== undefined && this.longest !== '1h')
      this.longest = ttl === undefined || ttl === '5m' ? '5m' : '1h';
  }

  /** Whatever has provider options: messages, their parts, results inside parts, tools. */
  seeHolder(value: unknown): void {
    const holder = (value as Fields | null)?.['providerOptions'];
    if (holder === undefined || holder === null) return;
    for (const namespace of Object.values(holder)) {
      const marks = fields(namespace);
      this.see(marks?.['cacheControl'] ?? marks?.['cache_control'] ?? marks?.['cachePoint']);
    }
  }
}
