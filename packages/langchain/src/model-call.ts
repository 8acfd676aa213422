/** Guarded calls of a chat model: in one piece and as a stream, under one guard or several. */
import type { AgentKavach, CallGrant, CallRequest, CallResult, StreamMeter, StreamResult } from '@agentkavach/core';
import { keptItemsOf, type KeptItems } from '@agentkavach/core/providers';
import { figuresOfGenerations, priced } from './answer.ts';
import { addressOf, deploymentOf, hasCapField, hasModelField, standIn } from './attempt.ts';
import { assertHoldable } from './hosted-tools.ts';
import { modelNameOf } from './model-name.ts';
import { RawAnswer } from './raw-answer.ts';
import { toCallRequest } from './request.ts';
import { withRetries } from './retries.ts';
import { fields, type Fields } from './shape.ts';
import { StreamReader } from './stream-reader.ts';

type Options = Fields & { readonly signal?: AbortSignal | undefined };

/** `_generate` of a chat model. */
export type Generate = (messages: readonly unknown[], options: Options, runManager: unknown) => Promise<object>;
/** `_streamResponseChunks` or `_streamChatModelEvents`. */
export type Start = (messages: readonly unknown[], options: Options, runManager: unknown) => AsyncIterable<unknown>;

type Method = (...args: unknown[]) => unknown;

/** The guarded `_generate`. */
export function generate(model: object, guards: readonly AgentKavach[], own: Generate): Generate {
  return (messages, options, runManager) =>
    withRetries(model, options, () => {
      const request = requestOf(model, guards, messages, options);
      return through(guards, request, async (grant): Promise<CallResult<object>> => {
        const raw = new RawAnswer(request.provider, request.candidates);
        const self = standIn(model, request.model, grant, raw, () => undefined);
        const value = await own.call(self, messages, optionsToSend(model, options, grant), runManager);
        const { generations, llmOutput } = fields(value) ?? {};
        const shown = figuresOfGenerations(request, generations, llmOutput);
        const figures = priced(request, { ...shown, ...raw.figures, toolCalls: shown.toolCalls });
        keptAt(guards, request).learn(grant.model, raw.items, figures.usage?.outputTokens);
        return { value, ...figures };
      });
    });
}

/** A guarded streaming method: settles at its end, on an error, an abort, a kill, a `break`, and when nobody reads on. */
export function streamOf(
  model: object,
  guards: readonly AgentKavach[],
  key: '_streamResponseChunks' | '_streamChatModelEvents',
  own: Start,
): Start {
  return async function* (messages, options, runManager) {
    const stream = await withRetries(model, options, () => {
      const request = requestOf(model, guards, messages, options);
      return streamThrough(guards, request, async (grant) => {
        const raw = new RawAnswer(request.provider, request.candidates);
        let open: (() => void) | undefined;
        const opened = new Promise<void>((resolve) => {
          open = resolve;
        });
        const self = standIn(model, request.model, grant, raw, () => open?.());
        const source = own.call(self, messages, sent(options, grant.signal), runManager);
        const iterator = source[Symbol.asyncIterator]();
        // Until the provider has answered, a failure is an answer to retry or to release, and not a broken stream.
        const first = iterator.next();
        await Promise.race([opened, first]);
        return {
          stream: resumed(iterator, first),
          meter: meterOf(request, key, raw, (tokens) => keptAt(guards, request).learn(grant.model, raw.items, tokens)),
          isWhole: () => !raw.isOpen,
        };
      });
    });
    const reader = stream.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        yield value;
      }
    } finally {
      // Whoever leaves early has settled the call with this, and needs no news of how the connection took it.
      reader.cancel().catch(() => undefined);
    }
  };
}

function meterOf(
  request: CallRequest,
  key: '_streamResponseChunks' | '_streamChatModelEvents',
  raw: RawAnswer,
  learn: (outputTokens: number | undefined) => void,
): (chunk: unknown, meter: StreamMeter) => void {
  const reader = new StreamReader(request.provider);
  return (chunk, meter) => {
    if (key === '_streamResponseChunks') reader.chunk(chunk, meter);
    else reader.event(chunk, meter);
    if (raw.failed) meter.failed();
    // LangChain's own last event comes after a stream that was cut short too, with the count that was running.
    const shown = raw.figures ?? { usage: raw.isOpen ? undefined : reader.usage };
    const { usage, model } = priced(request, shown);
    if (usage !== undefined) meter.usage(usage);
    if (raw.items.length > 0) learn(usage?.outputTokens);
    if (model !== undefined) meter.model(model);
  };
}

/** A stream whose first chunk has been asked for already. */
function resumed(iterator: AsyncIterator<unknown>, first: Promise<IteratorResult<unknown>>): AsyncIterable<unknown> {
  let pending: Promise<IteratorResult<unknown>> | undefined = first;
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        const next = pending ?? iterator.next();
        pending = undefined;
        return next;
      },
      return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
    }),
  };
}

function requestOf(
  model: object,
  guards: readonly AgentKavach[],
  messages: readonly unknown[],
  options: Options,
): CallRequest {
  const defaults = fields(Reflect.get(model, 'defaultOptions'));
  const all = defaults === undefined ? options : { ...defaults, ...options };
  const params = fields(invoked(model, 'invocationParams', all)) ?? {};
  const deployment = deploymentOf(model);
  const name = modelNameOf(fields(invoked(model, 'getLsParams', all)), params, deployment);
  for (const guard of guards) assertHoldable(guard, name, params);
  const address = addressOf(model);
  return toCallRequest({
    name,
    address,
    messages,
    params,
    keptItems: keptAt(guards, { ...name, address }).tokensOf,
    signal: signalOf(options),
    canClampOutput: hasCapField(model),
    canSwitchModel: deployment === undefined && hasModelField(model),
  });
}

/** What OpenAI keeps, by guard and host: `createAgent` makes another model object for each step. */
function keptAt(
  [guard]: readonly AgentKavach[],
  { provider, address = '' }: Pick<CallRequest, 'provider' | 'address'>,
): KeptItems {
  return keptItemsOf(guard as AgentKavach, `${provider} ${address}`);
}

function invoked(model: object, key: string, options: Fields): unknown {
  const method: unknown = Reflect.get(model, key);
  return typeof method === 'function' ? Reflect.apply(method as Method, model, [options]) : undefined;
}

/** ChatMistralAI turns a call with a signal into a stream; its HTTP client is what gets the signal there. */
function optionsToSend(model: object, options: Options, { signal }: CallGrant): Options {
  return 'httpClient' in model && options.signal === undefined ? { ...options, maxRetries: 0 } : sent(options, signal);
}

/** ChatOpenAI lets what stands in `options` of a call replace the call's own signal and retries: it gets the guard's there too. */
function sent(options: Options, signal: AbortSignal): Options {
  const ours = { signal, maxRetries: 0 };
  const inner = fields(options['options']);
  return inner === undefined ? { ...options, ...ours } : { ...options, ...ours, options: { ...inner, ...ours } };
}

/** The caller's own signal, wherever it stands. */
function signalOf({ signal, options }: Options): AbortSignal | undefined {
  const inner = fields(options)?.['signal'] as AbortSignal | null | undefined;
  if (signal === undefined || inner === undefined || inner === null) return signal ?? inner ?? undefined;
  return AbortSignal.any([signal, inner]);
}

/** The call under all guards, the outermost first. */
function through<T>(
  [guard, ...inner]: readonly AgentKavach[],
  request: CallRequest,
  send: (grant: CallGrant) => Promise<CallResult<T>>,
): Promise<T> {
  if (guard === undefined)
    return send({ signal: new AbortController().signal, maxOutputTokens: undefined, model: request.model }).then(
      ({ value }) => value,
    );
  if (inner.length === 0) return guard.call(request, send);
  return guard.call(request, async (grant) => {
    let figures: Omit<CallResult<T>, 'value'> = {};
    const value = await through(inner, narrowed(request, grant), async (own) => {
      const result = await send(own);
      figures = result;
      return result;
    });
    return { ...figures, value };
  });
}

function streamThrough<C>(
  [guard, ...inner]: readonly AgentKavach[],
  request: CallRequest,
  start: (grant: CallGrant) => Promise<StreamResult<C>>,
): Promise<ReadableStream<C>> {
  if (guard === undefined) throw new Error('A guarded model has a guard.');
  if (inner.length === 0) return guard.stream(request, start);
  return guard.stream(request, async (grant) => {
    let started: StreamResult<C> | undefined;
    const stream = await streamThrough(inner, narrowed(request, grant), async (own) => {
      started = await start(own);
      return started;
    });
    const { meter, isWhole } = started as StreamResult<C>;
    return { stream, meter, isWhole };
  });
}

/** The request as the next guard sees it. */
function narrowed(request: CallRequest, { signal, maxOutputTokens, model }: CallGrant): CallRequest {
  return { ...request, model, maxOutputTokens, signal };
}
