/**
 * What a hard limit asks of a call before it is priced: nothing whose worst case can't be held, and a ceiling on the
 * tools that the provider runs.
 */
import { ConfigError, type AgentKavach } from '@agentkavach/core';
import {
  QUERIES,
  reasonAgainst,
  searchesByQuery,
  TOOL_CALL_CEILING,
  type HostedTool,
} from '@agentkavach/core/providers';
import { normaliseProvider, type ModelIdentity } from './provider-name.ts';
import { namespacesOf, type CallParams } from './provider-options.ts';
import { hostedTools, requestLimit } from './provider-tools.ts';
import { count, fields, list, text, type Fields } from './shape.ts';

/**
 * The parameters that a guard may let through: as they are, or under a hard limit with a ceiling on the tools that the
 * provider runs, where the caller has set none.
 *
 * @throws ConfigError under a hard limit for a call that it can't hold, naming the option; nothing was sent
 */
export function holdable<P extends CallParams>(guard: AgentKavach, model: ModelIdentity, params: P): P {
  const { tools, providerOptions } = params;
  const hosted = hostedTools(tools, providerOptions, model.modelId);
  if (hosted.length === 0 && providerOptions === undefined) return params;
  const error = unpriceable(model, params, hosted);
  const isLimited = hosted.every(({ limit }) => limit !== 'request' && limit !== 'tool');
  if ((error === undefined && isLimited) || guard.status().mode !== 'hard') return params;
  if (error !== undefined) throw error;
  return withToolLimits(params, hosted);
}

/**
 * What is billed beside the call and reported nowhere, or at a price or in a number that nobody can know before.
 *
 * @returns an error that names the option and what to do instead; `undefined` where everything can be priced
 */
export function unpriceable(
  model: ModelIdentity,
  params: CallParams,
  hosted: readonly HostedTool[] = hostedTools(params.tools, params.providerOptions, model.modelId),
): ConfigError | undefined {
  for (const tool of hosted) {
    const reason = reasonAgainst(tool, 'Generate images with generateImage() and kavachImage()');
    if (reason !== undefined) return refusal('tools', reason);
  }
  const options = fields(params.providerOptions);
  return options === undefined ? undefined : otherModel(model, options);
}

/**
 * Refuses an image model's grounding with Google Search where it bills each query.
 *
 * @throws ConfigError under a hard limit
 */
export function assertGroundingHoldable(guard: AgentKavach, model: ModelIdentity): void {
  if (searchesByQuery(model.modelId) && guard.status().mode === 'hard')
    throw refusal('providerOptions.google.googleSearch', QUERIES);
}

/** Options that let another model answer than the one whose price is held. */
function otherModel(model: ModelIdentity, options: Fields): ConfigError | undefined {
  const namespaces = namespacesOf(model, normaliseProvider(model.provider, model.modelId));
  for (const key in options) {
    if (key !== 'gateway' && !namespaces.includes(key)) continue;
    const namespace = fields(options[key]);
    if (namespace === undefined) continue;
    const path = `providerOptions.${key}`;
    if (list(namespace['models']).length > 0) return refusal(`${path}.models`, FALLBACK);
    // Anthropic's may be a list, or the text `default`.
    const { fallbacks } = namespace;
    if (list(fallbacks).length > 0 || text(fallbacks) !== undefined) return refusal(`${path}.fallbacks`, FALLBACK);
    const named = text(namespace['model']);
    if (named !== undefined && named !== model.modelId)
      return refusal(
        `${path}.model`,
        `the option may send the call to ${named}, at another price than ${model.modelId}, which is held. Give the model by its id where you make it, and leave the option out`,
      );
  }
  return undefined;
}

const FALLBACK =
  'a fallback model may cost more than the one asked. Leave the option out, catch the error and ask the other guarded model yourself';

function refusal(path: string, reason: string): ConfigError {
  return new ConfigError(`A hard limit can't hold ${path}: ${reason}, or set mode: 'soft'.`, { path });
}

/** The parameters with a ceiling for each tool that takes one. */
function withToolLimits<P extends CallParams>(params: P, hosted: readonly HostedTool[]): P {
  const { tools, providerOptions } = params;
  return {
    ...params,
    ...(hosted.some(({ limit }) => limit === 'tool') ? { tools: limitedTools(list(tools)) } : {}),
    ...(hosted.some(({ limit }) => limit === 'request') ? { providerOptions: limitedRequest(providerOptions) } : {}),
  };
}

function limitedTools(tools: readonly unknown[]): unknown[] {
  return tools.map((entry) => {
    const tool = fields(entry);
    if (tool === undefined || !/^anthropic\.web_(search|fetch)/.test(text(tool['id']) ?? '')) return entry;
    const args = fields(tool['args']);
    return count(args?.['maxUses']) === undefined ? { ...tool, args: { ...args, maxUses: TOOL_CALL_CEILING } } : entry;
  });
}

/** OpenAI's models read `openai`. Azure's read `azure` alone where it is there, else `openai`. */
function limitedRequest(providerOptions: unknown): Fields {
  const options = fields(providerOptions) ?? {};
  const maxToolCalls = requestLimit(providerOptions) ?? TOOL_CALL_CEILING;
  const azure = fields(options['azure']);
  return {
    ...options,
    openai: { ...fields(options['openai']), maxToolCalls },
    ...(azure === undefined ? {} : { azure: { ...azure, maxToolCalls } }),
  };
}
