/** The callback handler: holds every model call that LangChain announces, and refuses it before the model is asked. */
import { BaseCallbackHandler, type NewTokenIndices } from '@langchain/core/callbacks/base';
import type { Serialized } from '@langchain/core/load/serializable';
import type { BaseMessage } from '@langchain/core/messages';
import type { ChatModelStreamEvent } from '@langchain/core/language_models/event';
import type { ChatGenerationChunk, GenerationChunk, LLMResult } from '@langchain/core/outputs';
import type { AgentKavach } from '@agentkavach/core';
import { addressOf } from './attempt.ts';
import { disconnects } from './chunk-callbacks.ts';
import { guardOf, type GuardOrOptions } from './guard-of.ts';
import { assertHoldable } from './hosted-tools.ts';
import { guardsOf } from './mark.ts';
import { modelNameOf } from './model-name.ts';
import { final, stopOf } from './refusal.ts';
import { toCallRequest } from './request.ts';
import { runsOf, type CallRuns } from './runs.ts';
import { count, fields, text, type Fields } from './shape.ts';

/** What `handler.config()` gives: spread it into the config of a run. */
export interface KavachConfig {
  readonly callbacks: KavachHandler[];
  /** Aborts the run when one of its calls is refused or stopped, with the guard's error as its reason. */
  readonly signal: AbortSignal;
}

/**
 * A callback handler that holds each model call to the guard's budgets. Callbacks can't change a call: its full worst case
 * is held, the output cap stays what the model says, and retries inside the model are not seen. `guardChatModel()` and
 * `kavachMiddleware()` do better where they can be used; together they charge once.
 *
 * @example
 * await chain.invoke(input, { callbacks: [new KavachHandler(guard)] });
 * await agent.invoke(input, new KavachHandler(guard).config()); // a refusal ends the whole run
 */
export class KavachHandler extends BaseCallbackHandler {
  readonly name = 'KavachHandler';
  readonly guard: AgentKavach;
  readonly #runs: CallRuns;
  readonly #run: AbortController | undefined;

  /**
   * @param guardOrOptions a guard to share, the options of a new one, or nothing
   * @param run is aborted when a call is refused or stopped; see {@link config}
   */
  constructor(guardOrOptions?: GuardOrOptions, run?: AbortController) {
    // Both are needed: LangChain asks the model all the same while it does not await a handler, or swallows its error.
    super({ raiseError: true, _awaitHandler: true });
    this.guard = guardOf(guardOrOptions);
    this.#runs = runsOf(this.guard);
    this.#run = run;
  }

  /** The same handler: its state is the guard's. */
  override copy(): this {
    return this;
  }

  /**
   * A config for one run of a chain, graph or agent. Its signal aborts the run when a call is refused or stopped, so that
   * nothing inside it goes on: no retry, no tool that swallows the error, no fallback. Call it anew for each run.
   *
   * @example await agent.invoke({ messages }, { ...handler.config(), configurable: { thread_id } });
   */
  config(): KavachConfig {
    const run = new AbortController();
    const signal = AbortSignal.any([run.signal, this.guard.signal]);
    return { callbacks: [new KavachHandler(this.guard, run)], signal };
  }

  override async handleChatModelStart(
    llm: Serialized,
    messages: BaseMessage[][],
    runId: string,
    _parentRunId?: string,
    extraParams?: Record<string, unknown>,
    _tags?: string[],
    metadata?: Record<string, unknown>,
  ): Promise<void> {
    await this.#begin(llm, messages[0] ?? [], runId, extraParams, metadata);
  }

  override async handleLLMStart(
    llm: Serialized,
    prompts: string[],
    runId: string,
    _parentRunId?: string,
    extraParams?: Record<string, unknown>,
    _tags?: string[],
    metadata?: Record<string, unknown>,
  ): Promise<void> {
    await this.#begin(llm, prompts, runId, extraParams, metadata);
  }

  override handleLLMNewToken(
    token: string,
    _idx: NewTokenIndices,
    runId: string,
    _parentRunId?: string,
    _tags?: string[],
    extra?: { chunk?: GenerationChunk | ChatGenerationChunk },
  ): void {
    const hasMessage = fields(extra?.chunk)?.['message'] !== undefined;
    this.#runs.chunk(runId, hasMessage ? extra?.chunk : { message: { content: token } }, this);
  }

  override handleChatModelStreamEvent(event: ChatModelStreamEvent, runId: string): void {
    this.#runs.event(runId, event, this);
  }

  override handleLLMEnd(
    output: LLMResult,
    runId: string,
    _parentRunId?: string,
    _tags?: string[],
    extraParams?: Record<string, unknown>,
  ): void {
    this.#runs.end(runId, output, extraParams?.['cached'] === true);
  }

  override handleLLMError(error: unknown, runId: string): void {
    const stop = stopOf(error);
    if (stop !== undefined) this.#end(stop); // also a refusal that a guarded model or a middleware has thrown
    this.#runs.fail(runId, error);
  }

  async #begin(
    llm: Serialized,
    messages: readonly unknown[],
    runId: string,
    extraParams: Fields | undefined,
    metadata: Fields | undefined,
  ): Promise<void> {
    // The model holds its calls itself, each attempt on its own.
    if (guardsOf(llm).includes(this.guard)) return;
    warnOfRetries(llm);
    try {
      const params = fields(extraParams?.['invocation_params']) ?? {};
      const deployment = text(fields(fields(llm)?.['kwargs'])?.['deployment_name']);
      const name = modelNameOf(metadata, params, deployment);
      assertHoldable(this.guard, name, params);
      const request = toCallRequest({ name, address: addressOf(fields(llm)?.['kwargs']), messages, params });
      const cap = request.maxOutputTokens ?? count(metadata?.['ls_max_tokens']);
      // Only the run's signal, or an error in a chunk's callback, takes the provider off the line.
      const unstoppable = this.#run === undefined && !disconnects(llm);
      const held = { ...request, maxOutputTokens: cap, unstoppable };
      await this.#runs.begin(runId, held, llm, this, (error) => this.#end(error));
    } catch (error) {
      this.#end(error);
      throw final(error);
    }
  }

  /** Ends the run that `config()` was made for. */
  #end(error: unknown): void {
    this.#run?.abort(error);
  }
}

const warned = new Set<string>();

/** Says once for each class that its retries happen where callbacks can't see them. */
function warnOfRetries(llm: Serialized): void {
  const kwargs = fields(fields(llm)?.['kwargs']);
  const retries = count(kwargs?.['max_retries']) ?? 0;
  const name = llm.id.at(-1) ?? 'The model';
  if (retries === 0 || warned.has(name)) return;
  warned.add(name);
  console.warn(
    `[agentkavach] ${name} retries up to ${retries} times inside one call, which callbacks don't see: these attempts are not counted. ` +
      `Set maxRetries: 0 on the model and retry around it with withRetry(), or guard it with guardChatModel().`,
  );
}
