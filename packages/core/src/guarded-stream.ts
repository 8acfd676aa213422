/**
 * The one way for a call that streams: reserve, start the provider's stream, pass its chunks on, settle when it ends:
 * at its end, on an error, an abort, a kill, a consumer that leaves, or one that stops reading.
 */
import type { CallGrant, CallRequest, StreamResult } from './call.ts';
import type { Engine } from './engine.ts';
import { ConfigError } from './errors.ts';
import { governed } from './guarded-call.ts';
import { InFlight } from './in-flight.ts';
import { Meter } from './meter.ts';
import { show } from './show.ts';

interface Read<C> {
  readonly done?: boolean | undefined;
  readonly value?: C | undefined;
}

/** A stream that can be read chunk by chunk and cancelled. */
export interface Source<C> {
  read(): Promise<Read<C>>;
  cancel(reason: unknown): Promise<unknown>;
}

/**
 * Reserves the call's worst case, starts its stream, and settles what it cost once it ends.
 *
 * @returns a stream of the same chunks, which is also an async iterable; it pulls from the provider only as it is read
 */
export function guardedStream<C>(
  engine: Engine,
  request: CallRequest,
  execute: (grant: CallGrant) => Promise<StreamResult<C>>,
): Promise<ReadableStream<C>> {
  return governed(engine, request, execute, (call, result: StreamResult<C>): ReadableStream<C> => {
    checkResult(result);
    const { stream } = result;
    if (!(call instanceof InFlight)) {
      call?.report(undefined); // what it will cost, the layer that holds the reservation reads or is told
      return isReadable(stream) ? stream : toReadable(openSource(stream));
    }
    const source = openSource(stream);
    // Stopped while the provider was answering: the caller has its error, nobody will read this stream.
    if (call.ended) source.cancel(call.stopped).catch(ignore);
    return new ReadableStream(new Passage(call, source, watched(engine, request, result)), { highWaterMark: 0 });
  });
}

/** Where loops are looked for in a conversation that the provider keeps, the end of the stream says what the model called. */
function watched<C>({ loops }: Engine, request: CallRequest, result: StreamResult<C>): StreamResult<C> {
  if (loops?.follows(request) !== true) return result;
  const meter: typeof result.meter = (chunk, told) => {
    result.meter(chunk, told);
    loops.answered(request, chunk);
  };
  return { ...result, meter };
}

/** Passes chunks on as the consumer asks for them. The handlers are made once, not for each chunk. */
class Passage<C> implements UnderlyingDefaultSource<C> {
  readonly #call: InFlight;
  readonly #source: Source<C>;
  readonly #result: StreamResult<C>;
  readonly #meter: Meter;
  #controller: ReadableStreamDefaultController<C> | undefined;
  #closed = false;

  constructor(call: InFlight, source: Source<C>, result: StreamResult<C>) {
    this.#call = call;
    this.#source = source;
    this.#result = result;
    this.#meter = new Meter(call);
  }

  start(controller: ReadableStreamDefaultController<C>): void {
    this.#controller = controller;
    this.#call.onStop = this.#stop;
    this.#call.streams();
  }

  pull(): Promise<void> {
    const call = this.#call;
    call.pace?.asks(call.host.monotonic());
    try {
      // Promise.resolve, since somebody's iterator may answer without a promise.
      return Promise.resolve(this.#source.read()).then(this.#pass, this.#fail);
    } catch (error) {
      this.#fail(error);
      return Promise.resolve();
    }
  }

  async cancel(reason: unknown): Promise<void> {
    this.#closed = true;
    this.#call.cancelStream();
    const cancelled = this.#source.cancel(reason);
    this.#call.abandon(reason);
    await cancelled;
  }

  readonly #pass = (read: Read<C>): void => {
    this.#call.pace?.delivered(this.#call.host.monotonic());
    if (this.#closed) return;
    try {
      if (read.done === true) {
        this.#closed = true;
        if (this.#result.isWhole?.() === false) this.#call.loseStream();
        else this.#call.completeStream();
        this.#controller?.close();
      } else {
        this.#result.meter(read.value as C, this.#meter);
        this.#controller?.enqueue(read.value as C);
      }
    } catch (error) {
      this.#fail(error); // somebody's iterator, or a meter that fails
    }
  };

  readonly #fail = (error: unknown): void => {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#call.signal.aborted) this.#call.cancelStream();
    else this.#call.loseStream();
    this.#controller?.error(error);
    this.#source.cancel(error).catch(ignore);
  };

  /** A stop from outside: the call has settled already; the consumer sees the error, or what the adapter makes of it. */
  readonly #stop = (error: Error): void => {
    this.#closed = true;
    try {
      const chunks = this.#result.onStop?.(error);
      if (chunks === undefined) throw error;
      for (const chunk of chunks) this.#controller?.enqueue(chunk);
      this.#controller?.close();
    } catch (shown) {
      this.#controller?.error(shown);
    }
    this.#source.cancel(error).catch(ignore);
  };
}

function checkResult(result: unknown): void {
  const { stream, meter } = (result ?? {}) as Partial<Record<'stream' | 'meter', unknown>>;
  const isStream = (['getReader', Symbol.asyncIterator] as const).some(
    (key) => typeof (stream as Record<PropertyKey, unknown> | null | undefined)?.[key] === 'function',
  );
  if (!isStream) throw wrongResult('stream', 'a ReadableStream or an async iterable', stream);
  if (typeof meter !== 'function') throw wrongResult('meter', 'a function', meter);
}

function wrongResult(path: string, kind: string, got: unknown): ConfigError {
  return new ConfigError(
    `guard.stream(): the function must return { stream, meter }, and ${path} must be ${kind}, got ${show(got)}.`,
    { path },
  );
}

function isReadable<C>(stream: ReadableStream<C> | AsyncIterable<C>): stream is ReadableStream<C> {
  return typeof (stream as Partial<ReadableStream<C>>).getReader === 'function'; // also one from a polyfill
}

/** Opens a stream for reading. */
export function openSource<C>(stream: ReadableStream<C> | AsyncIterable<C>): Source<C> {
  if (isReadable(stream)) return stream.getReader();
  const iterator = stream[Symbol.asyncIterator]();
  return { read: () => iterator.next(), cancel: async () => iterator.return?.() };
}

function toReadable<C>(source: Source<C>): ReadableStream<C> {
  return new ReadableStream<C>(
    {
      async pull(controller) {
        const { done, value } = await source.read();
        if (done === true) controller.close();
        else controller.enqueue(value as C);
      },
      cancel: async (reason) => void (await source.cancel(reason)),
    },
    { highWaterMark: 0 },
  );
}

function ignore(): void {
  // The stream's end is reported through the consumer's read; the provider's reaction to the cancel adds nothing.
}
