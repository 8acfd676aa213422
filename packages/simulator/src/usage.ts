/** What one request consumed, in one shape for all providers; the ledger bills by it. All figures are tokens. */
export interface SimulatedUsage {
  /** The whole input: uncached, cache reads, cache writes and the provider's own tool prompts. */
  readonly inputTokens: number;
  /** Part of `inputTokens`. */
  readonly cacheReadTokens: number;
  /** Part of `inputTokens`, whatever the lifetime. */
  readonly cacheWriteTokens: number;
  /** Part of `cacheWriteTokens`, written for one hour. */
  readonly cacheWrite1hTokens: number;
  /** Part of `inputTokens` that Google reports outside `promptTokenCount`. */
  readonly toolUsePromptTokens: number;
  /** The whole output, reasoning included, over all candidates. */
  readonly outputTokens: number;
  /** Part of `outputTokens`. */
  readonly reasoningTokens: number;
}

/** The usage with only so much output: reasoning comes first. */
export function upTo(usage: SimulatedUsage, outputTokens: number): SimulatedUsage {
  const generated = Math.min(outputTokens, usage.outputTokens);
  return { ...usage, outputTokens: generated, reasoningTokens: Math.min(usage.reasoningTokens, generated) };
}
