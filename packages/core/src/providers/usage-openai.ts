/**
 * Usage of OpenAI's endpoints and of the many that speak their format: chat completions, Responses, embeddings, images.
 * Sources: platform.openai.com/docs/api-reference (usage objects), docs.x.ai (reasoning counted apart),
 * api-docs.deepseek.com (cache hits), vercel/ai#16290 (orchestration tokens).
 */
import type { Usage } from '../call.ts';
import { count, fees, fields, list, sum, text, usageOf, type Fields } from './usage-fields.ts';

/** The usage of a chat completion, a completion or an embedding: `prompt_tokens` and `completion_tokens`. */
export function usageOfOpenAIChat(raw: Fields): Usage | undefined {
  const input = fields(raw['prompt_tokens_details']) ?? fields(raw['prompt_token_details']);
  const output = fields(raw['completion_tokens_details']);
  const inputTokens = count(raw['prompt_tokens']);
  const total = count(raw['total_tokens']);
  const reasoningTokens = count(output?.['reasoning_tokens']);
  return usageOf({
    inputTokens,
    cacheReadTokens:
      count(input?.['cached_tokens']) ??
      count(raw['num_cached_tokens']) ??
      count(raw['prompt_cache_hit_tokens']) ??
      count(raw['cached_tokens']),
    cacheWriteTokens: count(input?.['cache_write_tokens']),
    inputAudioTokens: count(input?.['audio_tokens']),
    inputImageTokens: count(input?.['image_tokens']),
    outputTokens: completionTokens(count(raw['completion_tokens']), inputTokens, reasoningTokens, total),
    reasoningTokens,
    outputAudioTokens: count(output?.['audio_tokens']),
    outputImageTokens: count(output?.['image_tokens']),
    serviceTier: text(raw['service_tier']),
  });
}

/**
 * xAI and some others leave reasoning out of `completion_tokens`; the total tells. An embedding has no completion field,
 * and a total equal to its prompt.
 */
function completionTokens(
  completion: number | undefined,
  prompt: number | undefined,
  reasoning: number | undefined,
  total: number | undefined,
): number | undefined {
  if (prompt === undefined || total === undefined) return completion;
  const rest = total - prompt;
  if (completion === undefined) return rest >= 0 ? rest : undefined;
  return rest > completion && (reasoning ?? 0) > 0
    ? completion + Math.min(rest - completion, reasoning ?? 0)
    : completion;
}

/** The usage of the Responses API and of the images endpoint: `input_tokens` and `output_tokens`. */
export function usageOfOpenAIResponses(raw: Fields): Usage | undefined {
  const input = fields(raw['input_tokens_details']);
  const output = fields(raw['output_tokens_details']);
  return usageOf({
    // Orchestration tokens are billed beside the others and stand only in the details.
    inputTokens: plus(raw['input_tokens'], input?.['orchestration_input_tokens']),
    cacheReadTokens: sum(count(input?.['cached_tokens']), count(input?.['orchestration_input_cached_tokens'])),
    cacheWriteTokens: count(input?.['cache_write_tokens']),
    inputAudioTokens: count(input?.['audio_tokens']),
    inputImageTokens: count(input?.['image_tokens']),
    outputTokens: plus(raw['output_tokens'], output?.['orchestration_output_tokens']),
    reasoningTokens: count(output?.['reasoning_tokens']),
    outputAudioTokens: count(output?.['audio_tokens']),
    outputImageTokens: count(output?.['image_tokens']),
    serviceTier: text(raw['service_tier']),
  });
}

function plus(whole: unknown, extra: unknown): number | undefined {
  const known = count(whole);
  return known === undefined ? undefined : known + (count(extra) ?? 0);
}

/**
 * The fee-bearing calls among a Responses answer's `output`. Only a web search with action `search` is billed: opening
 * a page and finding text in it are free. A code interpreter is billed by the container, so calls in one container
 * count once.
 *
 * @param preview whether the search tool is the older `web_search_preview`, which has a fee of its own
 */
export function openAIToolFees(output: unknown, preview = false): Record<string, number> | undefined {
  let searches = 0;
  let fileSearches = 0;
  const containers = new Set<unknown>();
  for (const entry of list(output)) {
    const item = fields(entry);
    if (item?.['type'] === 'web_search_call') {
      const action = fields(item['action']);
      if (action === undefined || action['type'] === 'search') searches += 1;
    }
    if (item?.['type'] === 'file_search_call') fileSearches += 1;
    if (item?.['type'] === 'code_interpreter_call') containers.add(item['container_id']);
  }
  return fees({
    [preview ? 'web_search_preview' : 'web_search']: searches,
    file_search: fileSearches,
    code_execution: containers.size,
  });
}

/** Whether a list of tools, as a request or an answer names them, holds the older search tool. */
export function hasPreviewSearch(tools: unknown): boolean {
  return list(tools).some((tool) => text(fields(tool)?.['type'])?.startsWith('web_search_preview'));
}

/** Fees of a chat model that searches the web on every call (platform.openai.com/docs/pricing). */
export function openAISearchModelFees(model: string): Record<string, number> | undefined {
  return /(^|\/)gpt-[\w.-]*search-(preview|api)/.test(model) ? { web_search_preview: 1 } : undefined;
}
