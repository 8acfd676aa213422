/**
 * Usage of Gemini: `usageMetadata` of generateContent, and `usage` of the Interactions API. Thoughts stand outside the
 * candidates, and tool results outside the prompt. Zeros are left out of the JSON (proto3), so the total decides what a
 * missing field means. Source: ai.google.dev/api/generate-content#UsageMetadata.
 */
import type { Usage } from '../call.ts';
import { count, fees, fields, list, most, sum, text, usageOf, type Fields } from './usage-fields.ts';

/** The `usageMetadata` of a generateContent answer, or of the last chunk of its stream. */
export function usageOfGoogle(raw: Fields): Usage | undefined {
  const prompt = count(raw['promptTokenCount']);
  const inputTokens = prompt === undefined ? undefined : sum(prompt, count(raw['toolUsePromptTokenCount']));
  const reasoningTokens = count(raw['thoughtsTokenCount']);
  const counted = sum(count(raw['candidatesTokenCount']), reasoningTokens);
  const total = count(raw['totalTokenCount']);
  const rest =
    total !== undefined && inputTokens !== undefined && total >= inputTokens ? total - inputTokens : undefined;
  return usageOf({
    inputTokens,
    cacheReadTokens: count(raw['cachedContentTokenCount']),
    inputAudioTokens: sum(
      ofModality(raw['promptTokensDetails'], 'AUDIO'),
      ofModality(raw['toolUsePromptTokensDetails'], 'AUDIO'),
    ),
    cacheReadAudioTokens: ofModality(raw['cacheTokensDetails'], 'AUDIO'),
    inputImageTokens: ofModality(raw['promptTokensDetails'], 'IMAGE'),
    outputTokens: most(counted, rest),
    reasoningTokens,
    outputAudioTokens: ofModality(raw['candidatesTokensDetails'], 'AUDIO'),
    outputImageTokens: ofModality(raw['candidatesTokensDetails'], 'IMAGE'),
    serviceTier: text(raw['serviceTier']) ?? tierOfTraffic(text(raw['trafficType'])),
  });
}

/** The `usage` of the Interactions API. */
export function usageOfGoogleInteractions(raw: Fields): Usage | undefined {
  const thought = count(raw['total_thought_tokens']);
  return usageOf({
    inputTokens: sum(count(raw['total_input_tokens']), count(raw['total_tool_use_tokens'])),
    cacheReadTokens: count(raw['total_cached_tokens']),
    outputTokens: sum(count(raw['total_output_tokens']), thought),
    reasoningTokens: thought,
  });
}

function ofModality(details: unknown, modality: string): number | undefined {
  const matching = list(details).flatMap((entry) => {
    const detail = fields(entry);
    return detail !== undefined && text(detail['modality'])?.toUpperCase() === modality
      ? [count(detail['tokenCount'])]
      : [];
  });
  return sum(...matching);
}

function tierOfTraffic(traffic: string | undefined): string | undefined {
  if (traffic === undefined) return undefined;
  if (traffic.endsWith('PRIORITY')) return 'priority';
  return traffic.endsWith('FLEX') ? 'flex' : undefined;
}

/**
 * Grounding fees of one answer, from its `groundingMetadata`. Gemini 3 and later bill each search query, earlier models
 * each grounded prompt (ai.google.dev/gemini-api/docs/pricing); a prompt that ran no search is free.
 */
export function googleGroundingFees(metadata: unknown, model: string): Record<string, number> | undefined {
  const grounding = fields(metadata);
  if (grounding === undefined) return undefined;
  const queries = list(grounding['webSearchQueries']).length;
  const fromMaps = list(grounding['groundingChunks']).some((chunk) => fields(fields(chunk)?.['maps']) !== undefined);
  const perQuery = !/gemini-(1|2)(\.|-)/.test(model);
  return fees({ google_search: perQuery ? queries : Math.min(queries, 1), google_maps: fromMaps ? 1 : 0 });
}
