/**
 * Reads what LangChain's own objects say about a call: finished messages, chunks and stream events. Where the provider's
 * raw usage stands in a message's `response_metadata`, that is read.
 */
import type { CallFigures, CallRequest, Usage } from '@agentkavach/core';
import { figuresOfResponse, usageFromRaw } from '@agentkavach/core/providers';
import { tierWithoutAnswer } from './request.ts';
import { count, fields, list, text, type Fields } from './shape.ts';

/** The figures with what the request says of the tier, where the answer says nothing. */
export function priced(request: CallRequest, figures: CallFigures): CallFigures {
  const { usage } = figures;
  if (usage === undefined) return figures;
  return { ...figures, usage: { ...usage, serviceTier: usage.serviceTier ?? tierWithoutAnswer(request) } };
}

/**
 * The figures of finished generations, as `_generate` returns them and `handleLLMEnd` is told them.
 *
 * @param generations the answers to one prompt
 */
export function figuresOfGenerations(request: CallRequest, generations: unknown, llmOutput: unknown): CallFigures {
  const all = list(generations);
  const first = fields(all[0]);
  const message = fields(first?.['message']) ?? {};
  const metadata = fields(message['response_metadata']);
  const info = fields(first?.['generationInfo']);
  return {
    usage: usageOfMessage(request, message) ?? usageOfOutput(llmOutput),
    model: modelIn(metadata) ?? modelIn(info),
    toolCalls: toolCallsIn(all),
  };
}

function toolCallsIn(generations: readonly unknown[]): number {
  let calls = 0;
  for (const one of generations) calls += list(fields(fields(one)?.['message'])?.['tool_calls']).length;
  return calls;
}

function modelIn(metadata: Fields | undefined): string | undefined {
  return text(metadata?.['model_name']) ?? text(metadata?.['model']);
}

/**
 * The usage, with what LangChain's own figures leave out charged as the dearest that was asked for: the lifetime of cache
 * writes, and the fees of tools that the provider runs.
 */
export function dearest({ cacheWrite, toolCalls }: CallRequest, usage: Usage | undefined): Usage | undefined {
  if (usage === undefined) return undefined;
  const longest = cacheWrite === '1h' ? usage.cacheWriteTokens : undefined;
  return {
    ...usage,
    cacheWrite1hTokens: usage.cacheWrite1hTokens ?? longest,
    toolCalls: usage.toolCalls ?? toolCalls,
  };
}

/** The usage of a finished message; `undefined` where nothing can be trusted. */
function usageOfMessage({ provider }: CallRequest, message: Fields): Usage | undefined {
  const metadata = fields(message['response_metadata']);
  const raw = usageFromRaw(provider, metadata?.['usage']);
  const own = usageOfMetadata(message['usage_metadata']);
  const toolCalls = feesShown(provider, metadata);
  if (raw?.inputTokens !== undefined && raw.outputTokens !== undefined) {
    const serviceTier = raw.serviceTier ?? text(metadata?.['service_tier']);
    return { ...raw, serviceTier, toolCalls: raw.toolCalls ?? toolCalls };
  }
  return own === undefined ? undefined : { ...own, serviceTier: text(metadata?.['service_tier']), toolCalls };
}

/** The fees of tools that the provider ran: none where it would have said so; `undefined` where they are not shown. */
function feesShown(provider: string, metadata: Fields | undefined): Usage['toolCalls'] {
  if (provider === 'anthropic') return fields(metadata?.['usage']) === undefined ? undefined : {};
  if (!Array.isArray(metadata?.['output'])) return undefined;
  const usage = { input_tokens: 0, output_tokens: 0 };
  return figuresOfResponse(provider, { ...metadata, usage }).usage?.toolCalls ?? {};
}

/**
 * LangChain's `usage_metadata`. Its input includes the cache; what is in the total and in neither part was thought.
 * All zeros is what integrations write when the provider said nothing.
 */
export function usageOfMetadata(value: unknown): Usage | undefined {
  const usage = fields(value);
  const inputTokens = count(usage?.['input_tokens']);
  const output = count(usage?.['output_tokens']);
  if (inputTokens === undefined || output === undefined || inputTokens + output === 0) return undefined;
  const input = fields(usage?.['input_token_details']);
  const details = fields(usage?.['output_token_details']);
  return {
    inputTokens,
    cacheReadTokens: count(input?.['cache_read']),
    cacheWriteTokens: count(input?.['cache_creation']),
    inputAudioTokens: count(input?.['audio']),
    outputTokens: Math.max(output, (count(usage?.['total_tokens']) ?? 0) - inputTokens),
    reasoningTokens: count(details?.['reasoning']),
    outputAudioTokens: count(details?.['audio']),
  };
}

/** `llmOutput`, where models that are no chat models keep their figures; all zeros, as above, are none. */
function usageOfOutput(llmOutput: unknown): Usage | undefined {
  const usage = fields(fields(llmOutput)?.['tokenUsage']);
  const inputTokens = count(usage?.['promptTokens']);
  const outputTokens = count(usage?.['completionTokens']);
  return (inputTokens ?? 0) + (outputTokens ?? 0) === 0 ? undefined : { inputTokens, outputTokens };
}
