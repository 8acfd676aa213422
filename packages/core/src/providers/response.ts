/** What a provider's whole answer says about its price: usage, the model that answered, and the tools it asked for. */
import type { Usage } from '../call.ts';
import { anthropicContainerFees, usageOfAnthropic } from './usage-anthropic.ts';
import { fields, list, text, type Fields } from './usage-fields.ts';
import { googleGroundingFees, usageOfGoogle, usageOfGoogleInteractions } from './usage-google.ts';
import { usageOfMistral } from './usage-mistral.ts';
import {
  hasPreviewSearch,
  openAISearchModelFees,
  openAIToolFees,
  usageOfOpenAIChat,
  usageOfOpenAIResponses,
} from './usage-openai.ts';

/** The figures of one answer, as `guard.call()` takes them. */
export interface ResponseFigures {
  readonly usage: Usage | undefined;
  /** The model that answered, which may be another than the one asked. */
  readonly model: string | undefined;
  /** Tools that the caller is to run; what the provider ran itself stands in `usage.toolCalls`. */
  readonly toolCalls: number;
}

/**
 * A raw usage object as {@link Usage}. The shape decides, because the same model is reached through many hosts; the
 * provider's name decides only where shapes look alike.
 *
 * @param provider `openai`, `anthropic`, `google`, `mistral`, or any other name
 * @param raw the `usage` (Gemini: `usageMetadata`) of an answer or of a stream's last event
 * @returns `undefined` when the object holds no figure that can be trusted
 * @example usageFromRaw('openai', { prompt_tokens: 10, completion_tokens: 5 }) // { inputTokens: 10, outputTokens: 5 }
 */
export function usageFromRaw(provider: string, raw: unknown): Usage | undefined {
  const usage = fields(raw);
  if (usage === undefined) return undefined;
  if (has(usage, 'promptTokenCount') || has(usage, 'totalTokenCount')) return usageOfGoogle(usage);
  if (has(usage, 'total_input_tokens')) return usageOfGoogleInteractions(usage);
  if (has(usage, 'prompt_tokens') || has(usage, 'completion_tokens')) {
    return provider === 'mistral' ? usageOfMistral(usage) : usageOfOpenAIChat(usage);
  }
  if (provider === 'anthropic' || ANTHROPIC_ONLY.some((field) => has(usage, field))) return usageOfAnthropic(usage);
  return has(usage, 'input_tokens') || has(usage, 'output_tokens') ? usageOfOpenAIResponses(usage) : undefined;
}

const ANTHROPIC_ONLY = [
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
  'cache_creation',
  'server_tool_use',
  'iterations',
];

function has(object: Fields, field: string): boolean {
  return object[field] !== undefined && object[field] !== null;
}

/**
 * The figures of a whole answer: OpenAI chat completion or Responses object, Anthropic message, Gemini
 * generateContent answer, Mistral completion, or any body of the same shape.
 *
 * @param provider as for {@link usageFromRaw}
 * @param body the parsed JSON, or the object that an official SDK returns
 * @example figuresOfResponse('anthropic', message).usage?.cacheReadTokens
 */
export function figuresOfResponse(provider: string, body: unknown): ResponseFigures {
  const answer = fields(body) ?? {};
  const model = text(answer['model']) ?? text(answer['modelVersion']);
  const usage = usageFromRaw(provider, answer['usage'] ?? answer['usageMetadata']);
  const toolFees = feesOfResponse(answer, model ?? '');
  const serviceTier = usage?.serviceTier ?? text(answer['service_tier']);
  return {
    usage: usage && {
      ...usage,
      ...(toolFees === undefined && usage.toolCalls === undefined
        ? {}
        : { toolCalls: { ...toolFees, ...usage.toolCalls } }),
      ...(serviceTier === undefined ? {} : { serviceTier }),
    },
    model,
    toolCalls: countToolCalls(answer),
  };
}

function feesOfResponse(answer: Fields, model: string): Record<string, number> | undefined {
  if (Array.isArray(answer['output'])) return openAIToolFees(answer['output'], hasPreviewSearch(answer['tools']));
  if (Array.isArray(answer['choices'])) return openAISearchModelFees(model);
  if (Array.isArray(answer['candidates'])) {
    return googleGroundingFees(fields(answer['candidates'][0])?.['groundingMetadata'], model);
  }
  return anthropicContainerFees(answer['content']);
}

/** Tool calls that the caller is to run, in any provider's shape. */
function countToolCalls(answer: Fields): number {
  const ofChoices = list(answer['choices']).flatMap((choice) =>
    list(fields(fields(choice)?.['message'])?.['tool_calls']),
  );
  const ofOutput = list(answer['output']).filter((item) => CLIENT_CALLS.has(fields(item)?.['type']));
  const ofContent = list(answer['content']).filter((block) => fields(block)?.['type'] === 'tool_use');
  const ofParts = list(answer['candidates'])
    .flatMap((candidate) => list(fields(fields(candidate)?.['content'])?.['parts']))
    .filter((part) => fields(fields(part)?.['functionCall']) !== undefined);
  return ofChoices.length + ofOutput.length + ofContent.length + ofParts.length;
}

const CLIENT_CALLS = new Set<unknown>([
  'function_call',
  'custom_tool_call',
  'computer_call',
  'local_shell_call',
  'apply_patch_call',
]);
