/**
 * Reads what an AI SDK answer says about its price: the provider's raw usage where it is at hand, else the figures that
 * the specification's version has (V2 flat, V3 and V4 nested).
 */
import type { CallRequest, Usage } from '@agentkavach/core';
import { figuresOfResponse, googleGroundingFees, usageFromRaw } from '@agentkavach/core/providers';
import { tierWithoutAnswer } from './request.ts';
import { count, fields, list, text, type Fields } from './shape.ts';

/** The parts of a generate result or of a stream's finish part that speak of money. */
export interface Answer {
  readonly usage?: unknown;
  readonly providerMetadata?: unknown;
  readonly response?: unknown;
}

/**
 * The usage of an answer.
 *
 * @param toolFees fee-bearing provider tools that were counted among its content
 * @returns `undefined` where the provider reported none: unknown, not free
 */
export function usageOfAnswer(
  request: CallRequest,
  answer: Answer,
  toolFees?: Record<string, number>,
): Usage | undefined {
  const usage = reported(request, answer);
  if (usage === undefined) return undefined;
  const metadata = Object.values(fields(answer.providerMetadata) ?? {}).flatMap((value) => fields(value) ?? []);
  const grounding = metadata.map((entry) => googleGroundingFees(fields(entry)?.['groundingMetadata'], request.model));
  const toolCalls = Object.assign({}, toolFees, ...grounding, usage.toolCalls) as Record<string, number>;
  const tier = usage.serviceTier ?? metadata.map((entry) => text(fields(entry)?.['serviceTier'])).find(Boolean);
  return {
    ...usage,
    serviceTier: tier ?? tierWithoutAnswer(request),
    toolCalls: Object.keys(toolCalls).length > 0 ? toolCalls : undefined,
  };
}

function reported({ provider }: CallRequest, { usage, providerMetadata, response }: Answer): Usage | undefined {
  const raw = fields(usage)?.['raw'];
  const metadata = fields(providerMetadata);
  const summed = fields(raw)?.['promptTokenCount'] === undefined ? undefined : usageFromRaw(provider, raw);
  return (
    summed ?? // Gemini's answer may span several requests, whose sum stands only here.
    figuresOfResponse(provider, fields(response)?.['body']).usage ??
    usageFromRaw(provider, raw) ??
    usageFromRaw(provider, fields(metadata?.['anthropic'])?.['usage']) ??
    usageFromRaw(provider, fields(metadata?.['google'])?.['usageMetadata']) ??
    usageOfSpecification(provider, usage, metadata)
  );
}

/** The specification's own fields. */
function usageOfSpecification(provider: string, value: unknown, metadata: Fields | undefined): Usage | undefined {
  const usage = fields(value);
  const input = fields(usage?.['inputTokens']);
  const output = fields(usage?.['outputTokens']);
  const isFlat = input === undefined && output === undefined;
  const cacheReadTokens = count(isFlat ? usage?.['cachedInputTokens'] : input?.['cacheRead']);
  let cacheWriteTokens = count(input?.['cacheWrite']);
  let inputTokens = count(isFlat ? usage?.['inputTokens'] : input?.['total']);
  // Anthropic's V2 models leave the cache out of their input; the adapter to V4 passes that on without a noCache.
  if (provider === 'anthropic' && inputTokens !== undefined && count(input?.['noCache']) === undefined) {
    cacheWriteTokens ??= count(fields(metadata?.['anthropic'])?.['cacheCreationInputTokens']);
    inputTokens += (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
  }
  const outputTokens = count(isFlat ? usage?.['outputTokens'] : output?.['total']);
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  return {
    inputTokens,
    cacheReadTokens,
    cacheWriteTokens,
    outputTokens,
    reasoningTokens: count(isFlat ? usage?.['reasoningTokens'] : output?.['reasoning']),
  };
}

/** The model that answered; Google's name stands in the body only. */
export function modelOfAnswer(request: CallRequest, response: unknown): string | undefined {
  const answer = fields(response);
  const model = text(answer?.['modelId']) ?? figuresOfResponse(request.provider, answer?.['body']).model;
  const prefix = `${request.provider}/`;
  return model?.startsWith(prefix) === true ? model.slice(prefix.length) : model;
}

/** How many tools the caller is asked to run. */
export function countToolCalls(content: unknown): number {
  return list(content).filter((part) => isClientToolCall(fields(part))).length;
}

/** Whether a content or stream part asks the caller to run a tool. */
export function isClientToolCall(
  part: { readonly type?: unknown; readonly providerExecuted?: unknown } | undefined,
): boolean {
  return part?.type === 'tool-call' && part.providerExecuted !== true;
}
