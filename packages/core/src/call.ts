/**
 * What adapters translate to: a framework's call becomes a CallRequest, its result a CallResult, its figures a Usage.
 * No adapter has a budget rule of its own; everything that a budget needs to know about a call stands here.
 */

/**
 * What a provider says one call consumed. A field that the provider left out stays `undefined` and is treated as
 * unknown; a reported 0 is free.
 */
export interface Usage {
  /** The whole input in tokens, cache reads and cache writes included. */
  readonly inputTokens?: number | undefined;
  /** Part of `inputTokens` that was read from the prompt cache. */
  readonly cacheReadTokens?: number | undefined;
  /** Part of `inputTokens` that was written to the prompt cache, whatever its lifetime. */
  readonly cacheWriteTokens?: number | undefined;
  /** Part of `cacheWriteTokens` that was written with a lifetime of one hour. */
  readonly cacheWrite1hTokens?: number | undefined;
  /** Part of `inputTokens` that was audio. */
  readonly inputAudioTokens?: number | undefined;
  /** Part of `cacheReadTokens` that was audio. */
  readonly cacheReadAudioTokens?: number | undefined;
  /** Part of `inputTokens` that was images. */
  readonly inputImageTokens?: number | undefined;
  /** The whole output in tokens, reasoning included. */
  readonly outputTokens?: number | undefined;
  /** Part of `outputTokens` that was reasoning. */
  readonly reasoningTokens?: number | undefined;
  /** Part of `outputTokens` that was audio. */
  readonly outputAudioTokens?: number | undefined;
  /** Part of `outputTokens` that was images. */
  readonly outputImageTokens?: number | undefined;
  /** Generated images, for models that are priced by the image. */
  readonly images?: number | undefined;
  /** Calls of tools that the provider runs and bills by the call, by the catalog's fee name (`web_search`, …). */
  readonly toolCalls?: Readonly<Record<string, number>> | undefined;
  /** The service tier that the answer says it was served on: `default`, `flex`, `priority`, `batch`, … */
  readonly serviceTier?: string | undefined;
  /**
   * Usage that the provider bills beside the fields above, each part at its own model's price: Anthropic's
   * compaction iterations and advisor calls, for example.
   */
  readonly parts?: readonly UsagePart[] | undefined;
}

/** One separately billed part of a call. */
export interface UsagePart extends Omit<Usage, 'parts'> {
  /** The model that is billed for this part; the call's own model when it is left out. */
  readonly model?: string | undefined;
}

/** What the request says about its price: all that decides the worst case besides the token counts. */
export interface PriceHints {
  /** The longest cache lifetime that the request asks for. Left out: any cache write is possible. */
  readonly cacheWrite?: 'none' | '5m' | '1h' | undefined;
  /** The service tier asked for. */
  readonly serviceTier?: string | undefined;
  /** The most calls of each fee-bearing provider tool that the request allows, by the catalog's fee name. */
  readonly toolCalls?: Readonly<Record<string, number>> | undefined;
  /** The most images that the request can produce. */
  readonly images?: number | undefined;
  /**
   * The input holds nothing but text: rates for audio and images do not apply to it, and what was billed for its beginning bounds it. All
   * that changes how the model reads it must stand in `input` then: tools, the choice of one. Default false.
   */
  readonly textOnly?: boolean | undefined;
  /** Answers asked for (`n`); each may be as long as the output cap. Default 1. */
  readonly candidates?: number | undefined;
}

/** The model called a tool, and what the tool answered. */
export interface ToolTurn {
  readonly kind: 'tool';
  readonly name: string;
  /** The arguments: a value, or the JSON text that the model wrote. */
  readonly args: unknown;
  /** What the tool answered; `undefined` while it has not. */
  readonly result: unknown;
  /** Whether the tool failed. Default false. */
  readonly isError?: boolean | undefined;
  /** Whether the model asked for the next turn's tool in the same answer, so before it saw this result. Default false. */
  readonly withNext?: boolean | undefined;
}

/** The model said something (`assistant`), or was told something (`user`). */
export interface MessageTurn {
  readonly kind: 'assistant' | 'user';
  readonly text: string;
}

/** One thing that happened in a conversation: what loops are made of. */
export type Turn = ToolTurn | MessageTurn;

/** One request to a provider, as the guard sees it. */
export interface CallRequest extends PriceHints {
  /** The provider: `openai`, `anthropic`, `google`, `mistral`, or a router's name. */
  readonly provider: string;
  /** The model id as sent to the provider. */
  readonly model: string;
  /**
   * Which host is asked, where several may stand behind the provider's name: its base URL, for example. What one host billed says nothing
   * of what another will. Default: one host.
   */
  readonly address?: string | undefined;
  /**
   * What goes to the model: messages in any provider's or framework's shape, a text, tools and schemas beside them.
   * It is walked to bound its tokens, and never stored or logged; on a budget that is nearly spent, hashes of it are kept.
   */
  readonly input?: unknown;
  /** An upper bound of the input in tokens, for an adapter that knows better than a walk over `input`. */
  readonly inputTokens?: number | undefined;
  /**
   * How often the provider may read the input, because it runs tools by itself and reads all of it again after each.
   * Default 1.
   */
  readonly inputRounds?: number | undefined;
  /** The output cap that the caller set, in tokens. */
  readonly maxOutputTokens?: number | undefined;
  /** Output that the provider may add on top of the cap, in tokens (a thinking budget, for example). Default 0. */
  readonly extraOutputTokens?: number | undefined;
  /**
   * Whether the model may produce output that its stream does not show: hidden or summarised reasoning. Such a stream is
   * charged its whole reservation when it is cancelled. Default: by the model's name, at Azure always, and where `extraOutputTokens` is set.
   */
  readonly hidesOutput?: boolean | undefined;
  /**
   * Whether the provider goes on when the grant's signal aborts. Such a stream is charged its whole reservation when it is stopped from
   * outside, since what is seen says nothing of what is billed. Default false.
   */
  readonly unstoppable?: boolean | undefined;
  /** Whether the callback sends the `maxOutputTokens` of its grant; only then may the guard lower the cap. */
  readonly canClampOutput?: boolean | undefined;
  /** `embedding` has no output; `image` is priced by image or image token. Default `text`. */
  readonly kind?: 'text' | 'embedding' | 'image' | undefined;
  /** Whether the callback asks the `model` of its grant; only then does `onThreshold` switch to a cheaper one. */
  readonly canSwitchModel?: boolean | undefined;
  /**
   * The conversation so far, oldest first, for an adapter that knows its framework's messages. Called only where the
   * guard looks for loops. Default: read out of `input`, where that has a provider's own shape.
   */
  readonly history?: (() => readonly Turn[]) | undefined;
  /**
   * For an adapter whose `input` names items that the provider keeps, by their ids alone: the most tokens that one is billed
   * as input for a model, `undefined` where it is not known. Default: a stated ceiling for reasoning, and the context window for the rest.
   */
  readonly keptItems?: ((id: string, model: string) => number | undefined) | undefined;
  /** The caller's own signal; merged with the guard's. */
  readonly signal?: AbortSignal | undefined;
  /** Whether an error of the callback proves that nothing was sent (a missing key, an invalid argument). */
  readonly notSent?: ((error: unknown) => boolean) | undefined;
  /**
   * The object that stays the same when one call passes through several guarded layers (the prompt array), so that the
   * same guard charges it once. Default: `input`, where that is an object.
   */
  readonly identity?: object | undefined;
}

/** What a granted call may do: pass all three on to the provider. */
export interface CallGrant {
  /** Aborts on kill, on time-out and when the caller's own signal does. */
  readonly signal: AbortSignal;
  /** The output cap to send; `undefined` when the guard could not set one. */
  readonly maxOutputTokens: number | undefined;
  /** The model to ask. */
  readonly model: string;
}

/** What a call brought back. */
export interface CallResult<T> {
  /** The provider's own answer; handed to the caller as it is. */
  readonly value: T;
  /** What the provider said the call consumed. Left out: the whole reservation is charged, as an estimate. */
  readonly usage?: Usage | undefined;
  /** The model that answered, when the answer names one; the call is priced by it. */
  readonly model?: string | undefined;
  /** How many tool calls the model asked for. */
  readonly toolCalls?: number | undefined;
  /** The answer came from a framework's cache: no request was sent, nothing is charged. */
  readonly cached?: boolean | undefined;
}

/** What a stream's reader tells the guard about each chunk. */
export interface StreamMeter {
  /** Output seen: a piece of text, reasoning or tool arguments. It is counted, not kept. */
  output(text: string): void;
  /** The provider's final usage. A running count is not final: a consumer that leaves early would be charged by it. */
  usage(usage: Usage): void;
  /** The model that answers. */
  model(id: string): void;
  /** The model asked for a tool. */
  toolCall(): void;
  /** The stream carried an error event: what was billed can't be known. */
  failed(): void;
  /** The stream has said its last word: who leaves it now has had all of it. */
  ended(): void;
}

/** A started stream and how to read its chunks. */
export interface StreamResult<C> {
  readonly stream: ReadableStream<C> | AsyncIterable<C>;
  /** Called once for each chunk, before the consumer gets it. Must not throw. */
  readonly meter: (chunk: C, meter: StreamMeter) => void;
  /**
   * How a kill or time-out shows inside the stream: the chunks to send before it ends, or `undefined` to make the
   * consumer's next read throw the error. Default: throw.
   */
  readonly onStop?: ((error: Error) => readonly C[] | undefined) | undefined;
  /**
   * Asked when the stream closes: whether its last word has come. One that closes without, as behind a proxy that lost its
   * provider, was cut short, and nobody knows what was written after that: it is charged whole. Default: it has come.
   */
  readonly isWhole?: (() => boolean) | undefined;
}
