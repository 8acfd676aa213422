/**
 * OpenAI's chat completions and the older text completions, also at Azure and at the many hosts that speak the format.
 * Source: developers.openai.com/api/reference (chat, completions).
 */
import type { CallRequest, StreamMeter } from '../call.ts';
import { capEdits, firstNamed, holdsOnlyText, isEffort, askedTier, positive } from './body-fields.ts';
import type { Draft, Granted, RawCall, Refusal, StreamReader } from './draft.ts';
import { figuresOfResponse, type ResponseFigures } from './response.ts';
import { fields, list, text, type Fields } from './usage-fields.ts';
import { otherModel } from './other-model.ts';
import { openaiTools, refusedTool } from './raw-tools.ts';

const CAPS = ['max_completion_tokens', 'max_tokens'] as const;

/** Models that refuse the older name of the cap, by name behind any router's prefix. */
const NEWER = /(?:^|[/.:])(?:o\d|gpt-(?:[5-9]|\d\d)|codex|chat-latest)/i;

/** A chat completion. */
export function chatDraft(call: RawCall): Draft {
  const { provider, body } = call;
  const model = modelOf(call);
  const request: CallRequest = {
    provider,
    model,
    input: body,
    // Documents that Azure looks up for the call.
    inputTokens: list(body['data_sources']).length > 0 ? Number.MAX_SAFE_INTEGER : undefined,
    maxOutputTokens: askedCap(body),
    extraOutputTokens: predictionTokens(body['prediction']),
    canClampOutput: true,
    canSwitchModel: provider !== 'azure',
    // Speech and images are shown as bytes, which say nothing of their tokens.
    hidesOutput:
      isEffort(body['reasoning_effort']) || list(body['modalities']).some((kind) => kind !== 'text') || undefined,
    candidates: positive(body['n']),
    serviceTier: askedTier(body),
    textOnly: holdsOnlyText(body['messages']) || undefined,
    toolCalls: searchFees(model),
  };
  const isStream = body['stream'] === true;
  return {
    request,
    isStream,
    refusal: refusedTool(openaiTools(body, model, provider)) ?? searchBeside(call, model) ?? otherModel(body, model),
    edits: (grant) => ({
      ...capsEdits(call, model, grant),
      ...usageOption(call, isStream),
    }),
    reader: () => new ChatReader(provider, hidesUsage(call), request.candidates),
    figures: (answer) => figuresOfResponse(provider, answer),
  };
}

/** A text completion: as many answers as prompts times `n`, or `best_of` where more are made than returned. */
export function completionDraft(call: RawCall): Draft {
  const draft = chatDraft(call);
  const { body, provider } = call;
  const prompt = list(body['prompt']);
  const prompts = prompt.length > 0 && typeof prompt[0] !== 'number' ? prompt.length : 1;
  const each = Math.max(positive(body['n']) ?? 1, positive(body['best_of']) ?? 1);
  return {
    ...draft,
    request: {
      ...draft.request,
      // Where the caller sets none, OpenAI stops after 16 tokens.
      maxOutputTokens: positive(body['max_tokens']) ?? (provider === 'openai' || provider === 'azure' ? 16 : undefined),
      candidates: prompts * each,
      textOnly: true,
    },
    reader: () => new ChatReader(call.provider, hidesUsage(call), prompts * each),
    edits: (grant) => ({
      ...capEdits(body, draft.request.model, grant, 'max_tokens'),
      ...usageOption(call, draft.isStream),
    }),
  };
}

/** The model; at Azure the deployment, which stands in the path. */
export function modelOf({ provider, path, body }: RawCall): string {
  const deployment = provider === 'azure' ? /\/deployments\/([^/]+)\//.exec(path)?.[1] : undefined;
  return (deployment === undefined ? undefined : decodeURIComponent(deployment)) ?? text(body['model']) ?? '';
}

/** Where both names are there, nobody knows which of them a host reads. */
function askedCap(body: Fields): number | undefined {
  const caps = CAPS.map((name) => positive(body[name])).filter((cap) => cap !== undefined);
  return caps.length === 0 ? undefined : Math.max(...caps);
}

/** The edits for a grant; of two caps, the one that is larger than what was granted is lowered. */
function capsEdits({ provider, body }: RawCall, model: string, grant: Granted): Fields {
  const name = capOf(provider, body, model, grant);
  const [first, second] = CAPS.map((cap) => positive(body[cap]));
  const isUnread = second === undefined && readsMaxTokens(provider, model);
  const granted = grant.maxOutputTokens ?? (isUnread ? first : undefined);
  if (first === undefined || granted === undefined || (second === undefined && !isUnread))
    return capEdits(body, model, grant, name);
  return {
    ...capEdits(body, model, { ...grant, maxOutputTokens: undefined }, name),
    ...(first > granted ? { [CAPS[0]]: granted } : {}),
    ...(second === undefined || second > granted ? { [CAPS[1]]: granted } : {}),
  };
}

function capOf(provider: string, body: Fields, asked: string, { model }: Granted): string {
  const named = firstNamed(body, CAPS);
  if (named === 'max_tokens' && NEWER.test(model)) return model === asked ? named : CAPS[0];
  if (named !== undefined) return named;
  const isNewer = provider === 'openai' || provider === 'azure' ? !readsMaxTokens(provider, model) : NEWER.test(model);
  return isNewer ? CAPS[0] : CAPS[1];
}

/**
 * Whether the newer name of the cap is ignored without a word: DeepSeek knows `max_tokens` alone
 * (api-docs.deepseek.com/api/create-chat-completion), also behind a proxy that hands on what it gets.
 */
function readsMaxTokens(provider: string, model: string): boolean {
  return provider === 'deepseek' || (provider === 'openai' && /(^|\/)deepseek/i.test(model));
}

/** Without this option a stream does not say what it used. Mistral says it anyway, and refuses the option. */
function usageOption({ provider, body }: RawCall, isStream: boolean): Fields {
  if (!isStream || provider === 'mistral' || asksForUsage(body)) return {};
  return { stream_options: { ...fields(body['stream_options']), include_usage: true } };
}

function asksForUsage(body: Fields): boolean {
  return fields(body['stream_options'])?.['include_usage'] === true;
}

/** Callers that did not ask for the usage read `choices[0]` of every chunk, and the one with the usage has none. */
function hidesUsage({ provider, body }: RawCall): boolean {
  return provider !== 'mistral' && !asksForUsage(body);
}

/** A predicted output that is rejected is billed as output, besides the cap: at most a token for each byte. */
function predictionTokens(prediction: unknown): number | undefined {
  const content = fields(prediction)?.['content'];
  if (content === undefined) return undefined;
  return (typeof content === 'string' ? content.length : JSON.stringify(content).length) * 3;
}

/** Searches that a host runs before the model answers (OpenRouter, xAI): their fee stands nowhere in the answer. */
function searchBeside({ provider, body }: RawCall, model: string): Refusal | undefined {
  const parameters = fields(body['search_parameters']);
  // OpenAI reads these for its search models alone, whose fee is known.
  const isForeign = provider !== 'openai' && provider !== 'azure' && fields(body['web_search_options']) !== undefined;
  let path: string;
  if (list(body['plugins']).length > 0) path = 'plugins';
  else if (model.endsWith(':online')) path = 'model';
  else if (isForeign) path = 'web_search_options';
  else if (parameters !== undefined && parameters['mode'] !== 'off') path = 'search_parameters';
  else return undefined;
  return { path, reason: 'the host searches beside the model, at a fee that the answer does not say. Leave it out' };
}

function searchFees(model: string): Record<string, number> | undefined {
  return /(^|\/)gpt-[\w.-]*search-(preview|api)/.test(model) ? { web_search_preview: 1 } : undefined;
}

/** Reads a stream of chat or text completion chunks. Also Mistral's, which differ in little. */
class ChatReader implements StreamReader {
  readonly hides: ((data: Fields) => boolean) | undefined;
  readonly #provider: string;
  readonly #answers: number;
  readonly #begun = new Set<unknown>();
  readonly #ended = new Set<unknown>();
  hasEnded = false;
  #tier: unknown;
  #figures: ResponseFigures | undefined;

  /** @param answers how many the stream has, each with an end of its own */
  constructor(provider: string, hides: boolean, answers = 1) {
    this.#provider = provider;
    this.#answers = answers;
    this.hides = hides ? isUsageAlone : undefined;
  }

  event(data: Fields, meter: StreamMeter): void {
    // Mistral sends the error itself, OpenAI in a field.
    if (data['object'] === 'error' || (data['error'] !== undefined && data['error'] !== null)) meter.failed();
    if (typeof data['model'] === 'string') meter.model(data['model']);
    this.#tier = data['service_tier'] ?? this.#tier;
    const choices = list(data['choices']);
    for (const choice of choices) this.#choice(choice as Fields | null, meter);
    if (fields(data['usage']) !== undefined)
      this.#figures = figuresOfResponse(this.#provider, { ...data, choices, service_tier: this.#tier });
    // A host may return fewer answers than were asked for. Before any has ended, it is a running count, as the first
    // chunk of some hosts has it.
    if (isUsageAlone(data) && this.#ended.size > 0 && this.#ended.size === this.#begun.size) this.hasEnded = true;
    // Some hosts count along in every chunk; only what comes with the end is final.
    if (this.hasEnded) this.end(meter);
  }

  end(meter: StreamMeter): void {
    if (this.#figures?.usage !== undefined) meter.usage(this.#figures.usage);
  }

  #choice(choice: Fields | null, meter: StreamMeter): void {
    const index = choice?.['index'] ?? 0;
    this.#begun.add(index);
    const finish = choice?.['finish_reason'];
    if (finish !== undefined && finish !== null && this.#ended.add(index).size >= this.#answers) this.hasEnded = true;
    show(choice?.['text'], meter);
    const delta = choice?.['delta'] as Fields | null | undefined;
    if (delta === undefined || delta === null) return;
    for (const key of SHOWN) show(delta[key], meter);
    if (delta['tool_calls'] !== undefined) for (const call of list(delta['tool_calls'])) toolCall(call, meter);
    // The one call of the older `functions`.
    if (delta['function_call'] !== undefined) toolCall({ function: delta['function_call'] }, meter);
  }
}

/**
 * The chunk that a stream sends at its end, where its usage was asked for. Some hosts send such a one at the start too:
 * Azure's first chunk has no choices, and vLLM counts along in every chunk where `continuous_usage_stats` is set.
 */
function isUsageAlone(data: Fields): boolean {
  return list(data['choices']).length === 0 && fields(data['usage']) !== undefined;
}

/** Where output stands in a delta: the answer, a refusal, reasoning under the names of several hosts. */
const SHOWN = ['content', 'refusal', 'reasoning_content', 'reasoning'] as const;

/** Text, or parts that hold text (Mistral). */
function show(value: unknown, meter: StreamMeter): void {
  if (typeof value === 'string') meter.output(value);
  else if (Array.isArray(value)) for (const part of value) showPart(part as Fields | null, meter);
}

function showPart(part: Fields | null, meter: StreamMeter): void {
  show(part?.['text'], meter);
  show(part?.['thinking'], meter);
}

/** What a provider writes around a call besides its name and arguments; the meter counts bytes. */
const FRAME = 'x'.repeat(64);

function toolCall(value: unknown, meter: StreamMeter): void {
  const called = fields(fields(value)?.['function']) ?? fields(fields(value)?.['custom']);
  const name = text(called?.['name']);
  if (name !== undefined) {
    meter.toolCall();
    meter.output(name);
    meter.output(FRAME);
  }
  const input = called?.['arguments'] ?? called?.['input'];
  if (typeof input === 'string') meter.output(input);
  else if (input !== undefined && input !== null) meter.output(JSON.stringify(input));
}
