/** The guard that users hold: it wires the parts and has no rule of its own. */
import type { Creator } from './clients/create.ts';
import type { Answers, CreateOptions, CreateRequest, ProviderName, ProviderOf } from './clients/create-types.ts';
import { wrapClient } from './clients/wrap.ts';
import type { CallGrant, CallRequest, CallResult, StreamResult } from './call.ts';
import { AdjustedClock } from './clock.ts';
import { makeChannel, type Channel, type KillChannelOptions } from './config/channel.ts';
import { oneOf, text } from './config/check.ts';
import { Connection } from './connection.ts';
import { show } from './show.ts';
import type { KavachOptions } from './config/options.ts';
import { readOptions } from './config/read-options.ts';
import { checkRuntime } from './config/runtime.ts';
import { Engine } from './engine.ts';
import { ConfigError, type KillReason } from './errors.ts';
import { EVENT_NAMES, type KavachEvents } from './events.ts';
import { guardedCall } from './guarded-call.ts';
import { guardedStream } from './guarded-stream.ts';
import { usdToNano } from './money.ts';
import { isOpen, wouldAdmit } from './next-call.ts';
import { Persistence } from './persistence.ts';
import { guardedReserve, type ReservedCall } from './reserved-call.ts';
import { openRun, type RunContext, type RunScope } from './run-scope.ts';
import { statusOf, type Status } from './status.ts';

const MARKER = Symbol.for('agentkavach.guard');

const checkName = text(200, `'serp-api'`);
const checkBy = text(200, `'ops@example.com'`);
const checkReason = oneOf<KillReason>(
  'manual', 'cost', 'tokens', 'calls', 'tools', 'duration', 'loop', 'velocity',
  'tier_agent_limit', 'daily_limit', 'org_budget_exceeded', 'key_revoked',
); // prettier-ignore

/**
 * A guard: hard budgets and limits for the calls of one agent.
 *
 * @example
 * const guard = new AgentKavach({ agentName: 'research-bot', budget: Budget.daily(50) });
 * const answer = await guard.call({ provider: 'openai', model: 'gpt-4o', input: messages }, async ({ signal }) => {
 *   const response = await openai.chat.completions.create({ model: 'gpt-4o', messages }, { signal });
 *   return { value: response, usage: { inputTokens: response.usage?.prompt_tokens, outputTokens: response.usage?.completion_tokens } };
 * });
 */
export class AgentKavach {
  readonly [MARKER] = true;
  readonly #engine: Engine;
  readonly #connection: Connection | undefined;
  readonly #persistence: Persistence | undefined;
  /** Loaded with the first `create()`. */
  #creator: Promise<Creator> | undefined;

  /**
   * @param options all optional; what is left out comes from `AGENTKAVACH_*` variables, then from the defaults
   * @throws ConfigError naming the option that is wrong and what to write instead
   */
  constructor(options: KavachOptions = {}) {
    if (typeof options !== 'object' || (options as unknown) === null || Array.isArray(options)) {
      throw new ConfigError(
        `new AgentKavach() takes an object such as { budget: Budget.daily(50) }, got ${show(options)}.`,
        { path: 'options' },
      );
    }
    checkRuntime();
    const policy = readOptions(options);
    if (policy.backend === undefined) {
      this.#engine = new Engine(policy);
      if (policy.persist !== false) this.#persistence = new Persistence(this.#engine, policy.persist);
    } else {
      const clock = new AdjustedClock(policy.clock);
      this.#engine = new Engine({ ...policy, clock });
      this.#connection = new Connection(this.#engine, policy.backend, clock);
    }
  }

  /** Whether a value is a guard, also one from another copy of this package. */
  static isInstance(value: unknown): value is AgentKavach {
    return typeof value === 'object' && value !== null && Reflect.get(value, MARKER) === true;
  }

  /**
   * Describes what happens at a threshold, for the `channels` option.
   *
   * @example AgentKavach.channel('kill', { threshold: 0.8 }) // stop the agent at 80 %
   */
  static channel(type: 'kill', options: KillChannelOptions): Channel {
    return makeChannel(type, options);
  }

  /** The agent's name. */
  get agentName(): string {
    return this.#engine.policy.agentName;
  }

  /** Aborts when the agent is stopped for a reason that ends work in flight; a fresh one after {@link resume}. */
  get signal(): AbortSignal {
    return this.#engine.killSwitch.signal;
  }

  /**
   * Sends one request under the guard: reserves its worst case, runs the callback, settles what it cost.
   *
   * @param execute sends the request with the grant's signal, model and output cap, and returns the answer with its usage
   * @returns the callback's `value`
   * @throws a KavachError when the call is refused or stopped, else the callback's own error
   */
  call<T>(request: CallRequest, execute: (grant: CallGrant) => Promise<CallResult<T>>): Promise<T> {
    return guardedCall(this.#engine, request, execute);
  }

  /**
   * The same for a call that streams. It settles when the stream ends, fails, is cancelled, or is not read for `idleMs`.
   *
   * @returns the callback's stream, guarded; also an async iterable
   */
  stream<C>(request: CallRequest, execute: (grant: CallGrant) => Promise<StreamResult<C>>): Promise<ReadableStream<C>> {
    return guardedStream(this.#engine, request, execute);
  }

  /**
   * Reserves one request's worst case for code that can't be wrapped in a function, because a framework tells by callbacks
   * when a call begins and ends. Settle it on every path; where a function can be wrapped, use {@link call}.
   *
   * @param onStop told once when the call is stopped from outside: by a kill, a time-out, or for want of chunks
   * @returns the held call: send its `model`, `maxOutputTokens` and `signal`, then `settle`, `fail` or `cancel` it
   * @throws a KavachError when the call is refused; nothing is held then
   * @example
   * const held = await guard.reserve({ provider: 'openai', model: 'gpt-4o', input: messages });
   * held.settle({ usage: { inputTokens: 20, outputTokens: 7 } });
   */
  reserve(request: CallRequest, onStop?: (error: Error) => void): Promise<ReservedCall> {
    return guardedReserve(this.#engine, request, onStop);
  }

  /**
   * Asks a provider through its official SDK, which has to be installed beside this package, under the guard. Messages may
   * have OpenAI's form whoever is asked; each provider's own parameters go through.
   *
   * @returns the provider's own answer; with `stream: true` its stream
   * @throws a KavachError when the call is refused or stopped; ProviderSdkMissingError; else what the SDK throws
   * @example
   * const answer = await guard.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] });
   * console.log(answer.choices[0]?.message.content);
   */
  create<const M extends string, P extends ProviderName = ProviderOf<M>>(
    request: CreateRequest<M, P> & { readonly stream: true },
    options?: CreateOptions,
  ): Promise<Answers[P]['stream']>;
  create<const M extends string, P extends ProviderName = ProviderOf<M>>(
    request: CreateRequest<M, P> & { readonly stream?: false | null | undefined },
    options?: CreateOptions,
  ): Promise<Answers[P]['whole']>;
  create<const M extends string, P extends ProviderName = ProviderOf<M>>(
    request: CreateRequest<M, P> & { readonly stream?: boolean | null | undefined },
    options?: CreateOptions,
  ): Promise<Answers[P]['whole'] | Answers[P]['stream']>;
  async create(request: Readonly<Record<string, unknown>>, options?: CreateOptions): Promise<unknown> {
    if (typeof request !== 'object' || (request as unknown) === null)
      throw new ConfigError(`guard.create() takes { model, messages }, got ${show(request)}.`, { path: 'request' });
    this.#creator ??= import('./clients/create.ts').then(({ Creator }) => new Creator(this.#engine));
    return (await this.#creator).create(request, options);
  }

  /**
   * A client of a provider's official SDK under this guard: each of its HTTP requests is one call, retries, helpers and tool
   * loops included. The client that is given stays as it is.
   *
   * @param client of `openai` (also Azure), `@anthropic-ai/sdk`, `@google/genai` or `@mistralai/mistralai`
   * @returns a client of the same type
   * @throws ConfigError for anything else
   * @example
   * const openai = guard.wrap(new OpenAI());
   * await openai.chat.completions.create({ model: 'gpt-4o', messages });
   */
  wrap<C extends object>(client: C): C {
    return wrapClient(this.#engine, client);
  }

  /**
   * Runs `fn` as one run: guardrails count its calls together, and budgets per user or tag know whose they are. Runs
   * nest; an inner one charges those around it.
   *
   * @example await guard.run({ user: 'u1', tags: ['batch'] }, async ({ signal }) => agent.generate({ prompt, abortSignal: signal }));
   */
  run<T>(fn: (run: RunContext) => T): T;
  run<T>(scope: RunScope, fn: (run: RunContext) => T): T;
  run<T>(scope: RunScope | ((run: RunContext) => T), fn?: (run: RunContext) => T): T {
    return typeof scope === 'function' ? openRun(this.#engine, {}, scope) : openRun(this.#engine, scope, fn);
  }

  /**
   * Charges money that was spent outside a model call, on a paid tool for example. It is spent already, so it is never
   * refused; it may stop the agent.
   *
   * @param usd dollars, more than zero
   * @example guard.charge(0.01, 'serp-api')
   */
  charge(usd: number, name: string): void {
    this.#engine.charge(usdToNano(usd, 'charge: usd'), checkName(name, 'charge: name'));
  }

  /**
   * Stops the agent: new calls are refused, and for `manual` (the default) those in flight are aborted.
   *
   * @param by who stops it, for the error and the event
   */
  kill(reason: KillReason = 'manual', by?: string): void {
    this.#engine.kill(checkReason(reason, 'kill: reason'), by === undefined ? undefined : checkBy(by, 'kill: by'));
  }

  /** Lets a stopped agent run again. A budget that has no room left will stop it again at the next call. */
  resume(): void {
    this.#engine.resume();
  }

  /**
   * Changes a budget's limit, now and for later windows. A higher one reopens an exhausted budget. Where an operator of the
   * backend has set the limit, it stays, and the log says so.
   *
   * @param id as in `status()`
   * @param value in the budget's unit: dollars, tokens or calls
   * @throws ConfigError for an unknown id or a limit that is none
   */
  setLimit(id: string, value: number): void {
    const { pool, limit } = this.#engine.budgets.limitOf(id, value);
    if (this.#connection?.setLimit(pool, value) !== false) this.#engine.applyLimit(pool, limit);
  }

  /** The present state: budgets, run, kill. */
  status(): Status {
    return statusOf(this.#engine, this.#connection);
  }

  /**
   * Whether calls can start now: the agent is not stopped, no limit is reached, and something is left in each budget. With
   * a request: whether that one could, decided as {@link call} would. A loop can stop on `false` instead of meeting the
   * refusal. Nothing is held, and nothing is stopped by asking.
   *
   * @throws ConfigError for a wrong request
   * @example if (!(await guard.canStartCall({ provider: 'openai', model: 'gpt-4o', input: messages }))) break;
   */
  canStartCall(): boolean;
  canStartCall(request: CallRequest): Promise<boolean>;
  canStartCall(request?: CallRequest): boolean | Promise<boolean> {
    return request === undefined ? isOpen(this.#engine) : wouldAdmit(this.#engine, request);
  }

  /**
   * Listens to `spend`, `threshold`, `kill`, `denied` or `resume`.
   *
   * @returns a function that stops listening
   */
  on<K extends keyof KavachEvents>(name: K, listener: (event: KavachEvents[K]) => void): () => void {
    oneOf(...EVENT_NAMES)(name, 'on: event');
    if (typeof listener !== 'function')
      throw new ConfigError('on: the second argument must be a function that takes the event.', { path: 'on' });
    return this.#engine.events.on(name, listener);
  }

  /** Waits until every call that has ended is settled and, with a backend, for some seconds until it was told. */
  async flush(): Promise<void> {
    await this.#engine.flush();
    await this.#connection?.flush();
  }

  /**
   * Refuses new calls, aborts those in flight, and waits until all are settled. With a backend: gives leases back and
   * delivers what is still to tell, for some seconds; what can't be delivered is kept for the next process.
   */
  async close(): Promise<void> {
    await this.#engine.close();
    await this.#connection?.close();
    await this.#persistence?.close();
  }

  /** Closes the guard at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
