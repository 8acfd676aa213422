/**
 * Usage of Anthropic's Messages API. Its `input_tokens` leave cache reads and writes out, and compaction, advisor calls
 * and refused attempts stand in `iterations` only.
 * Source: platform.claude.com/docs (prompt caching, compaction, advisor tool, service tiers, fast mode, fallback billing).
 */
import type { Usage, UsagePart } from '../call.ts';
import { count, fees, fields, list, most, sum, text, usageOf, type Fields } from './usage-fields.ts';

/**
 * The usage object of a message, or of a stream's `message_start` merged with its `message_delta`
 * (see {@link mergeAnthropicUsage}).
 */
export function usageOfAnthropic(raw: Fields): Usage | undefined {
  const iterations = list(raw['iterations']).flatMap((entry): Fields[] => {
    const step = fields(entry);
    return step === undefined ? [] : [step];
  });
  // The top-level figures cover the plain sampling steps. Should they ever fall behind the steps, the steps count;
  // after a server-side fallback the steps belong to another model, and the refused one stands as a part.
  const fallback = iterations.some((step) => step['type'] === 'fallback_message');
  const steps = fallback ? [] : iterations.filter((step) => step['type'] === 'message');
  const stepUsages = steps.map(figures);
  const top = figures(raw);
  const inputTokens = most(top.inputTokens, sum(...stepUsages.map((step) => step.inputTokens)));
  const server = fields(raw['server_tool_use']);
  const parts = iterations
    .filter((step) => isPart(step, fallback))
    .flatMap((step): UsagePart[] => {
      const usage = usageOf(figures(step));
      return usage === undefined ? [] : [{ ...usage, model: text(step['model']) }];
    });
  return usageOf({
    ...top,
    inputTokens,
    outputTokens: most(top.outputTokens, sum(...stepUsages.map((step) => step.outputTokens))),
    toolCalls: fees({ web_search: count(server?.['web_search_requests']) }),
    serviceTier: tierOfAnswer(raw),
    parts: parts.length > 0 ? parts : undefined,
  });
}

/** Fast mode and US-only inference have prices of their own, like tiers. */
function tierOfAnswer(raw: Fields): string | undefined {
  if (text(raw['speed']) === 'fast') return 'fast';
  return text(raw['inference_geo']) === 'us' ? 'us' : text(raw['service_tier']);
}

function isPart(step: Fields, fallback: boolean): boolean {
  if (step['type'] === 'compaction' || step['type'] === 'advisor_message') return true;
  // A refusal before any output is not billed; one in the middle of an answer is.
  return fallback && step['type'] === 'message' && (count(step['output_tokens']) ?? 0) > 0;
}

function figures(raw: Fields): Usage {
  const created = fields(raw['cache_creation']);
  const fiveMinutes = count(created?.['ephemeral_5m_input_tokens']);
  const oneHour = count(created?.['ephemeral_1h_input_tokens']);
  const cacheWriteTokens = most(count(raw['cache_creation_input_tokens']), sum(fiveMinutes, oneHour));
  const cacheReadTokens = count(raw['cache_read_input_tokens']);
  const uncached = count(raw['input_tokens']);
  return {
    inputTokens: uncached === undefined ? undefined : sum(uncached, cacheReadTokens, cacheWriteTokens),
    cacheReadTokens,
    cacheWriteTokens,
    cacheWrite1hTokens: oneHour,
    outputTokens: count(raw['output_tokens']),
    reasoningTokens: count(fields(raw['output_tokens_details'])?.['thinking_tokens']),
  };
}

/**
 * The usage of a stream so far: a `message_delta` restates some fields with cumulative figures, and a `message_start`
 * may come twice. Later figures replace earlier ones; they are never added.
 */
export function mergeAnthropicUsage(earlier: Fields | undefined, later: Fields): Fields {
  const stated = Object.entries(later).filter(([, value]) => value !== null && value !== undefined);
  return { ...earlier, ...Object.fromEntries(stated) };
}

/** Code that the provider ran in a container, billed by the container and hour: one for a message that used it. */
export function anthropicContainerFees(content: unknown): Record<string, number> | undefined {
  const used = list(content).some((entry) => {
    const block = fields(entry);
    return block?.['type'] === 'server_tool_use' && text(block['name'])?.endsWith('code_execution') === true;
  });
  return used ? { code_execution: 1 } : undefined;
}
