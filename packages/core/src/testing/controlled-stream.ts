/** A provider's stream in the test's hands: chunks come when the test says so, and the provider keeps its own bill. */
import type { CallRequest, StreamMeter, StreamResult, Usage } from '../call.ts';
import type { KavachOptions } from '../config/options.ts';
import type { SpendEvent } from '../events.ts';
import type { AgentKavach } from '../kavach.ts';
import { deferred } from './deferred.ts';
import { meteredGuard, REQUEST, usd } from './metered.ts';

/** 100 tokens in, at most 2,000 out. */
export const STREAMED = { ...REQUEST, maxOutputTokens: 2_000 } as const satisfies CallRequest;

/** What {@link STREAMED} reserves. */
export const WHOLE_USD = usd(100, 2_000);

/** The input bound, the output seen, and the margin of a prompt cancel. */
export function seenUsd(tokens: number): number {
  return usd(100, tokens + 512);
}

/** What one chunk carries. One character of text is one token of output. */
export interface Chunk {
  readonly text?: string;
  readonly usage?: Usage;
  readonly error?: string;
  readonly tool?: boolean;
  readonly model?: string;
}

/** Reads a {@link Chunk} for the guard. */
export function meterChunk(chunk: Chunk, meter: StreamMeter): void {
  if (chunk.model !== undefined) meter.model(chunk.model);
  if (chunk.text !== undefined) meter.output(chunk.text);
  if (chunk.tool === true) meter.toolCall();
  if (chunk.error !== undefined) meter.failed();
  if (chunk.usage !== undefined) meter.usage(chunk.usage);
}

/** How the stream is handed to the guard. */
export type Shape = 'readable' | 'iterable' | 'generator';

/** One stream. */
export class ControlledStream {
  /** Chunks that the guard has asked for. */
  pulls = 0;
  /** The reasons of `cancel()`, or of an iterator's `return()`. */
  readonly cancelled: unknown[] = [];
  /** What `cancel()` does besides being counted. */
  onCancel: () => unknown = () => undefined;
  /** Output that the provider has produced, in tokens. */
  produced = 0;
  readonly #queue: (() => IteratorResult<Chunk, undefined>)[] = [];
  #waiting: (() => void) | undefined;

  /** The next chunk. */
  push(chunk: Chunk): this {
    this.produced += chunk.text?.length ?? 0;
    return this.#add(() => ({ done: false, value: chunk }));
  }

  end(): this {
    return this.#add(() => ({ done: true, value: undefined }));
  }

  fail(error: unknown): this {
    return this.#add(() => {
      throw error;
    });
  }

  /** What the callback of `guard.stream()` returns. */
  as(shape: Shape = 'readable', onStop?: StreamResult<Chunk>['onStop']): StreamResult<Chunk> {
    return { stream: this[shape](), meter: meterChunk, onStop };
  }

  readable(): ReadableStream<Chunk> {
    return new ReadableStream<Chunk>(
      {
        pull: async (controller) => {
          const { done, value } = await this.#next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        },
        cancel: (reason) => this.#cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  iterable(): AsyncIterable<Chunk> {
    const next = (): Promise<IteratorResult<Chunk, undefined>> => this.#next();
    const leave = async (): Promise<IteratorResult<Chunk, undefined>> => {
      await this.#cancel('return');
      return { done: true, value: undefined };
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: leave }) };
  }

  async *generator(): AsyncGenerator<Chunk, undefined> {
    try {
      for (;;) {
        const { done, value } = await this.#next();
        if (done === true) return undefined;
        yield value;
      }
    } finally {
      await this.#cancel('return');
    }
  }

  #add(step: () => IteratorResult<Chunk, undefined>): this {
    this.#queue.push(step);
    this.#waiting?.();
    return this;
  }

  async #next(): Promise<IteratorResult<Chunk, undefined>> {
    this.pulls += 1;
    while (this.#queue.length === 0) {
      const { promise, resolve } = deferred<undefined>();
      this.#waiting = () => {
        resolve(undefined);
      };
      await promise;
    }
    return (this.#queue.shift() as () => IteratorResult<Chunk, undefined>)();
  }

  async #cancel(reason: unknown): Promise<void> {
    this.cancelled.push(reason);
    await this.onCancel();
  }
}

/** A guard with one open stream. */
export async function openStream(
  options: KavachOptions = {},
  shape: Shape = 'readable',
  request: Partial<CallRequest> = {},
): Promise<{
  guard: AgentKavach;
  booked: SpendEvent[];
  provider: ControlledStream;
  stream: ReadableStream<Chunk>;
  reader: () => ReadableStreamDefaultReader<Chunk>;
  signal: AbortSignal;
}> {
  const { guard, booked } = meteredGuard(options);
  const provider = new ControlledStream();
  let signal: AbortSignal | undefined;
  const stream = await guard.stream({ ...STREAMED, ...request }, async (grant) => {
    signal = grant.signal;
    return provider.as(shape);
  });
  return { guard, booked, provider, stream, reader: () => stream.getReader(), signal: signal as AbortSignal };
}
