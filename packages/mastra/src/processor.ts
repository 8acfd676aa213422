/** The processor: ends a run with Mastra's tripwire, its steps kept, where the guard would refuse the next call. */
import type { ProcessLLMRequestArgs, Processor } from '@mastra/core/processors';
import { findKavachError, type AgentKavach } from '@agentkavach/core';
import { normaliseProvider } from '@agentkavach/vercel-ai';

/** What a tripwire of the guard carries: the refusal's figures, safe to send. `code` is the error's. */
export type KavachTripwire = Readonly<Record<string, unknown>>;

/**
 * An input processor. It asks the guard before each step; what is refused after that (a race, a stop in flight) is an
 * error as without it.
 */
export class KavachProcessor implements Processor<'agentkavach', KavachTripwire> {
  readonly id = 'agentkavach';
  readonly name = 'AgentKavach';
  readonly #guard: AgentKavach;

  constructor(guard: AgentKavach) {
    this.#guard = guard;
  }

  /** Runs last before a model is asked, with the prompt that it gets. */
  async processLLMRequest({ prompt, model, abort, abortSignal }: ProcessLLMRequestArgs): Promise<undefined> {
    if (this.#guard.status().mode === 'observe') return undefined; // the model itself reports what would have been refused
    const name = normaliseProvider(model.provider, model.modelId);
    try {
      // Nothing is sent and nothing is charged: this call ends as one that a cache answered.
      await this.#guard.call(
        { ...name, input: { prompt }, canClampOutput: true, canSwitchModel: true, signal: abortSignal },
        () => Promise.resolve({ value: undefined, cached: true }),
      );
    } catch (error) {
      const refusal = findKavachError(error);
      if (refusal === undefined) throw error;
      abort(refusal.message, { retry: false, metadata: refusal.toJSON() });
    }
  }
}
