/**
 * Usage of Mistral's chat, embedding and conversation endpoints: OpenAI's chat format with the cache and audio details
 * under names of its own. Source: docs.mistral.ai/api (UsageInfo).
 */
import type { Usage } from '../call.ts';
import { usageOfOpenAIChat } from './usage-openai.ts';
import { count, fees, fields, sum, usageOf, type Fields } from './usage-fields.ts';

/** The usage object of a Mistral answer, or of the last chunk of its stream. */
export function usageOfMistral(raw: Fields): Usage | undefined {
  const usage = usageOfOpenAIChat(raw);
  if (usage === undefined) return undefined;
  // The Conversations API counts what connectors fed to the model apart, and names each connector's calls.
  const connectors = fields(raw['connectors']);
  return usageOf({
    ...usage,
    inputTokens: sum(usage.inputTokens, count(raw['connector_tokens'])),
    toolCalls: fees({
      web_search: sum(count(connectors?.['web_search']), count(connectors?.['web_search_premium'])),
      code_execution: count(connectors?.['code_interpreter']),
    }),
  });
}
