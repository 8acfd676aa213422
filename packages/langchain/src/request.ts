/** Translates a LangChain model call into the guard's request: from the parameters that the model class itself sends. */
import type { CallRequest } from '@agentkavach/core';
import { hostedFees } from './hosted-tools.ts';
import { cacheLifetime, holdsOnlyText, sentMessage, turnsOf } from './messages.ts';
import type { ModelName } from './model-name.ts';
import { count, fields, text, type Fields } from './shape.ts';

/** One call of a chat model, before it is sent. */
export interface ModelCall {
  readonly name: ModelName;
  /** LangChain messages. */
  readonly messages: readonly unknown[];
  /** Which host the model asks; `undefined`: its provider's own. */
  readonly address?: string | undefined;
  /** The model's `invocationParams()`, in its provider's own words. */
  readonly params: Fields;
  readonly keptItems?: CallRequest['keptItems'];
  readonly signal?: AbortSignal | undefined;
  /** Whether the output cap and the model can be exchanged. Default: neither. */
  readonly canClampOutput?: boolean | undefined;
  readonly canSwitchModel?: boolean | undefined;
}

/** Parameters that stand in the prompt, or that decide how large it is. */
const PROMPT = [
  'tools', 'functions', 'tool_choice', 'toolChoice', 'toolConfig', 'response_format', 'responseFormat', 'output_config',
  'output_format', 'truncation', 'previous_response_id', 'conversation', 'mcp_servers', 'prompt', 'cachedContent',
] as const; // prettier-ignore

/** State at the provider that becomes input without standing in the prompt. */
const STATE = [
  'container',
  'context_management',
  'previous_response_id',
  'conversation',
  'mcp_servers',
  'cachedContent',
];

/** The names under which model classes send the output cap. */
const CAPS = ['max_completion_tokens', 'max_output_tokens', 'max_tokens', 'maxOutputTokens', 'maxTokens'] as const;

/** The guard's request for a call of a chat model. */
export function toCallRequest(call: ModelCall): CallRequest {
  const { name, address, messages, params, keptItems, signal, canClampOutput, canSwitchModel } = call;
  const generation = fields(params['generationConfig']);
  const fees = hostedFees(name, params);
  // Only the parameters of the Responses endpoint have this name, set or not.
  const sendsItems = 'max_output_tokens' in params;
  return {
    provider: name.provider,
    model: name.model,
    address,
    input: {
      messages: messages.map((message) => sentMessage(message, sendsItems)),
      ...promptParams(params, generation),
    },
    // More than any context window, which is what the guard then holds.
    inputTokens: holdsState(params) ? Number.MAX_SAFE_INTEGER : undefined,
    inputRounds: fees.inputRounds,
    toolCalls: fees.toolCalls,
    textOnly: (!fees.isHosted && holdsOnlyText(messages)) || undefined,
    maxOutputTokens: capOf(params) ?? capOf(generation ?? {}),
    extraOutputTokens: predictionTokens(params),
    hidesOutput: asksForReasoning(params, generation),
    serviceTier: tierOf(name, params),
    cacheWrite: name.provider === 'anthropic' ? cacheLifetime(params, messages) : undefined,
    // The completions API writes and bills `best_of` answers, whatever it shows.
    candidates: mostOf(count(params['n']), count(params['best_of'])),
    canClampOutput: canClampOutput === true && canClamp(params),
    canSwitchModel,
    history: () => turnsOf(messages),
    keptItems,
    signal,
    identity: messages,
  };
}

function holdsState(params: Fields): boolean {
  for (const key of STATE) if (isSet(params[key])) return true;
  return false;
}

function promptParams(params: Fields, generation: Fields | undefined): Fields {
  const sent: Record<string, unknown> = {};
  for (const key of PROMPT) if (isSet(params[key])) sent[key] = params[key];
  const { thinking } = params;
  if (isSet(thinking) && fields(thinking)?.['type'] !== 'disabled') sent['thinking'] = thinking;
  const format = fields(params['text'])?.['format'];
  if (isSet(format)) sent['text'] = { format };
  for (const key of ['responseSchema', 'responseJsonSchema']) {
    if (isSet(generation?.[key])) sent[key] = generation?.[key];
  }
  return sent;
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

function capOf(params: Fields): number | undefined {
  for (const cap of CAPS) {
    const value = count(params[cap]);
    if (value !== undefined) return value;
  }
  return undefined;
}

function mostOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}

/** A predicted output that OpenAI rejects is billed as output. */
function predictionTokens(params: Fields): number | undefined {
  const content = fields(params['prediction'])?.['content'];
  if (!isSet(content)) return undefined;
  return (typeof content === 'string' ? content.length : JSON.stringify(content).length) * 3;
}

function asksForReasoning(params: Fields, generation: Fields | undefined): true | undefined {
  const thinking = fields(params['thinking']);
  const google = fields(generation?.['thinkingConfig']);
  const effort = text(params['reasoning_effort']) ?? text(fields(params['reasoning'])?.['effort']);
  const asked =
    (thinking !== undefined && thinking['type'] !== 'disabled') ||
    (google !== undefined && google['thinkingBudget'] !== 0) ||
    (effort !== undefined && effort !== 'none');
  return asked || undefined;
}

/** Whether the cap can be lowered: Anthropic refuses one that is not above the thinking budget. */
function canClamp(params: Fields): boolean {
  return count(fields(params['thinking'])?.['budget_tokens']) === undefined;
}

function tierOf(name: ModelName, params: Fields): string | undefined {
  if (text(params['inference_geo']) === 'us') return 'us';
  const tier = text(params['service_tier']);
  // Anthropic's `auto` is its default: capacity that was paid for beforehand, where there is any.
  return name.provider === 'anthropic' && tier === 'auto' ? undefined : tier;
}

/** The tier to settle on where the answer names none: the one asked, unless it would be cheaper than the standard. */
export function tierWithoutAnswer({ serviceTier }: CallRequest): string | undefined {
  return serviceTier === 'flex' || serviceTier === 'batch' ? undefined : serviceTier;
}
