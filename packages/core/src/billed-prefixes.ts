/**
 * What providers billed for conversations, for the next request that goes on with one: the sharpest bound of its beginning
 * that there is. Off the hot path: only calls take note that their first bound did not let in. It keeps hashes, no text.
 * `docs/token-bound.md` says what is assumed.
 */
import type { CallRequest } from './call.ts';
import { overheadOf } from './pricing/bound-provider.ts';
import { sharpBound } from './pricing/sharpen.ts';

/** Conversations that are remembered; each step of an agent is one. */
const MOST_PREFIXES = 512;
/** A provider may put another model behind a name: what is older says nothing. */
const MAX_AGE_MS = 3_600_000;
const MOST_MESSAGES = 1_000;
const MOST_CHARACTERS = 1_000_000;
/** Fewer tokens for so much text are a report that leaves something out: what was read from a cache, say. */
const MOST_CHARACTERS_PER_TOKEN = 16;

/** Where messages stand in a request, oldest first. */
const LISTS = ['messages', 'prompt', 'contents', 'input'] as const;

/** Fields beside the messages that leave them as they are, at the top and in the AI SDK's provider options. */
const PLAIN_FIELDS: ReadonlySet<string> = new Set(
  (
    'model system systemInstruction system_instruction instructions tools functions toolConfig tool_config tool_choice toolChoice ' +
    'function_call response_format responseFormat text temperature top_p top_k max_tokens max_completion_tokens ' +
    'max_output_tokens stop stop_sequences seed random_seed stream stream_options n user metadata service_tier ' +
    'frequency_penalty presence_penalty logit_bias logprobs top_logprobs reasoning_effort verbosity parallel_tool_calls ' +
    'prompt_cache_key safety_identifier store safetySettings safety_settings generationConfig generation_config ' +
    'providerOptions parallelToolCalls disableParallelToolUse reasoningEffort textVerbosity strictJsonSchema ' +
    'structuredOutputs maxCompletionTokens promptCacheKey safetyIdentifier serviceTier cacheControl sendReasoning'
  ).split(' '),
);

/** Parts that a provider may read in one request and leave out in another, or that stand for what it keeps. */
const CHANGING =
  /"type":"(?:reasoning|thinking|redacted_thinking|item_reference|compaction)"|"(?:reasoning|reasoning_content|thought|thoughtSignature|thought_signature|encrypted_content|signature|reasoningEncryptedContent)":|thought_signatures__":\{"/;

/** Names of calls and items, most of them the SDK's own: long, and not read by the model. */
const IDS = /"(?:id|itemId|toolCallId|tool_call_id|call_id)":"[^"]*",?/g;

/** A conversation as a request showed it. */
export interface Conversation {
  readonly provider: string;
  readonly model: string;
  readonly list: (typeof LISTS)[number];
  /** Each message as JSON. */
  readonly texts: readonly string[];
  /** How long it is, without ids. */
  readonly characters: number;
  /** One for each beginning of the conversation, the whole of it last: of all that is in it, and of what stands beside. */
  readonly keys: Promise<readonly string[]>;
}

/**
 * The conversation of a request, as it stands now; `undefined` where another request that goes on with it could be billed
 * less for its beginning, or more: media, reasoning, what the provider keeps or runs, routers, fields that are not known.
 */
export function conversationOf(request: CallRequest): Conversation | undefined {
  const { provider, model, address, input, inputTokens, inputRounds = 1, kind = 'text', textOnly } = request;
  if (
    kind !== 'text' ||
    textOnly !== true ||
    inputTokens !== undefined ||
    inputRounds !== 1 ||
    typeof globalThis.crypto?.subtle !== 'object'
  )
    return undefined;
  if (overheadOf(provider).family === 'other' || overheadOf(provider, model).family === 'other') return undefined;
  try {
    const fields = (Array.isArray(input) ? { messages: input } : input) as Readonly<Record<string, unknown>>;
    const list = LISTS.find((name) => Array.isArray(fields[name]));
    if (list === undefined) return undefined;
    const { [list]: messages, ...beside } = fields;
    const texts = (messages as readonly unknown[]).map((message) => JSON.stringify(message, shownWhole));
    const head = JSON.stringify([provider, model, address, beside], shownWhole);
    const length = texts.reduce((sum, text) => sum + text.length, head.length);
    if (texts.length > MOST_MESSAGES || length > MOST_CHARACTERS) return undefined;
    if (!isPlain(beside) || texts.some((text) => CHANGING.test(text))) return undefined;
    const characters = texts.reduce((sum, text) => sum + text.replace(IDS, '').length, head.length);
    return { provider, model, list, texts, characters, keys: keysOf(head, texts).catch(() => []) };
  } catch {
    return undefined; // what can't be read is not recognised either
  }
}

/** Throws where JSON shows less of a value than an SDK may send of it: a schema object, whose descriptions it leaves out, or a map. */
function shownWhole(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const own = this[key]; // `value` is what `toJSON` made of it
  const prototype: unknown = typeof own === 'object' && own !== null ? Object.getPrototypeOf(own) : null;
  const isPlainValue = prototype === null || prototype === Object.prototype || Array.isArray(own);
  if (typeof own === 'function' || (own !== value && !(own instanceof Date)) || !(isPlainValue || own instanceof Date))
    throw new TypeError('JSON does not show it whole.');
  return value;
}

function isPlain(beside: Readonly<Record<string, unknown>>): boolean {
  for (const [key, value] of Object.entries(beside)) {
    if (value === undefined) continue;
    if (!PLAIN_FIELDS.has(key)) return false;
    if (key === 'providerOptions' && typeof value === 'object' && value !== null)
      for (const options of Object.values(value))
        if (!isPlain(options as Readonly<Record<string, unknown>>)) return false;
  }
  return true;
}

async function keysOf(head: string, texts: readonly string[]): Promise<readonly string[]> {
  const keys: string[] = [];
  let key = await hash(head);
  for (const text of texts) keys.push((key = await hash(key + text)));
  return keys;
}

async function hash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return String.fromCharCode(...new Uint8Array(digest));
}

/** One guard's memory of what conversations were billed. */
export class BilledPrefixes {
  /** By the key of the whole conversation; the longest unused first. */
  readonly #billed = new Map<string, { readonly tokens: number; readonly at: number }>();
  readonly #now: () => number;

  /** @param now milliseconds that never go backwards */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes note of what a conversation was billed. @param tokens all of its input, cache reads and writes included */
  async learn({ keys, characters }: Conversation, tokens: number): Promise<void> {
    const all = await keys;
    const key = all.at(-1);
    if (key === undefined || tokens * MOST_CHARACTERS_PER_TOKEN < characters) return;
    // Nothing costs less than its beginning: such a report leaves something out.
    if (all.some((beginning) => (this.#known(beginning) ?? 0) > tokens)) return;
    this.#billed.delete(key);
    this.#billed.set(key, { tokens, at: this.#now() });
    const [oldest] = this.#billed.keys();
    if (this.#billed.size > MOST_PREFIXES && oldest !== undefined) this.#billed.delete(oldest);
  }

  /** What was billed for the longest known beginning, and the bound of the rest; Infinity where none is known. */
  async boundOf({ keys, texts, list, provider, model }: Conversation): Promise<number> {
    const all = await keys;
    for (let length = all.length; length > 0; length -= 1) {
      const known = this.#known(all[length - 1] ?? '');
      if (known === undefined) continue;
      const rest = texts.slice(length).map((text): unknown => JSON.parse(text));
      // Its overhead for a request covers the seam.
      return known + (await sharpBound({ [list]: rest }, provider, model));
    }
    return Infinity;
  }

  /** What a conversation was billed within the hour. */
  #known(key: string): number | undefined {
    const known = this.#billed.get(key);
    return known === undefined || this.#now() - known.at > MAX_AGE_MS ? undefined : known.tokens;
  }
}
