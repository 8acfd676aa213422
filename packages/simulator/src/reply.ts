/** What a script answers, the same for every provider. The wire formats turn it into the provider's own shape. */

/** A tool call of the simulated model. */
export interface ReplyToolCall {
  readonly name: string;
  /** Default `{}`. */
  readonly arguments?: Readonly<Record<string, unknown>> | undefined;
}

/** Input figures to bill and report instead of the simulator's own count, in tokens. */
export interface ReplyUsage {
  /** The whole input, cache parts included. Default: the count, or the cache parts where they are more. */
  readonly inputTokens?: number | undefined;
  /** Part of the input that was read from the cache. */
  readonly cacheRead?: number | undefined;
  /** Part of the input that was written to the cache with the short lifetime (5 minutes at Anthropic). */
  readonly cacheWrite?: number | undefined;
  /** Part of the input that was written to the cache for one hour (Anthropic). */
  readonly cacheWrite1h?: number | undefined;
  /** Part of the input that the provider's own tools added (Google: outside `promptTokenCount`). */
  readonly toolUsePrompt?: number | undefined;
}

/** An HTTP error answer. */
export interface ReplyError {
  /** 400 to 599. */
  readonly status: number;
  /** Default: a short sentence. */
  readonly message?: string | undefined;
  /** A JSON body to send instead of the provider's usual error shape. */
  readonly body?: unknown;
  /** The `retry-after` header, in seconds. */
  readonly retryAfter?: number | undefined;
}

/** How the simulator answers one request. Everything is optional: `{}` is a short, deterministic text. */
export interface Reply {
  /** The text of the answer. Not together with `tokens`. */
  readonly text?: string | undefined;
  /** Generates a text of this many tokens; the output cap still holds. */
  readonly tokens?: number | undefined;
  /** Reasoning before the answer, in tokens; part of the output. Shown where the provider shows it. */
  readonly reasoningTokens?: number | undefined;
  /** Tool calls after the text. With tool calls and neither `text` nor `tokens` there is no text. */
  readonly toolCalls?: readonly ReplyToolCall[] | undefined;
  readonly usage?: ReplyUsage | undefined;
  /** Milliseconds before the headers. Default 0. */
  readonly latencyMs?: number | undefined;
  /** Milliseconds between two chunks of a stream. Default 0. */
  readonly chunkMs?: number | undefined;
  /** Tokens in one chunk of a stream. Default 4. */
  readonly chunkTokens?: number | undefined;
  readonly error?: ReplyError | undefined;
  /** Never answers: the request stays open until the client leaves or the simulator closes. */
  readonly hang?: boolean | undefined;
  /** Destroys the connection after this many chunks, at the latest before the end. Not a stream: in the middle of the body. */
  readonly cutAfterChunks?: number | undefined;
  /** Sends the provider's error event after this many chunks, at the latest before the end. Streams only. */
  readonly errorEventAfterChunks?: number | undefined;
  /** Bills as always, but reports no usage. */
  readonly omitUsage?: boolean | undefined;
  /** The model that answers and is billed. Default: the one asked for. */
  readonly model?: string | undefined;
  /** The service tier of the answer. Default: the one asked for where it has a price, else the standard one. */
  readonly serviceTier?: string | undefined;
  /** Freezes the call until the promise settles: before anything is generated. Code scripts only. */
  readonly hold?: Promise<unknown> | undefined;
  /** Freezes a stream after this many chunks instead (with `hold`). */
  readonly holdAfterChunks?: number | undefined;
}
