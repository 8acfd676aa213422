/**
 * The one way for a call that streams: reserve, start the provider's stream, pass its chunks on, settle when it ends:
 * at its end, on an error, an abort, a kill, a consumer that leaves, or one that stops reading.
 */
import type { CallGrant, CallRequest, StreamMeter, StreamResult, Usage } from './call.ts';
import { admit } from './admission.ts';
import type { Engine } from './engine.ts';
import { started, ungoverned } from './guarded-call.ts';
import type { InFlight } from './in-flight.ts';
import { utf8Length } from './pricing/bound.ts';

/** A stream that can be read chunk by chunk and cancelled. */
interface Source<C> {
  read(): Promise<{ done?: boolean | undefined; value?: C | undefined }>;
  cancel(reason: unknown): Promise<unknown>;
}

/**
 * Reserves the call's worst case, starts its stream, and settles what it cost once it ends.
 *
 * @returns a stream of the same chunks, which is also an async iterable; it pulls from the provider only as it is read
 */
export async function guardedStream<C>(
  engine: Engine,
  request: CallRequest,
  execute: (grant: CallGrant) => Promise<StreamResult<C>>,
): Promise<ReadableStream<C>> {
  const admitted = admit(engine, request);
  if (admitted === undefined) return toReadable(openSource((await execute(ungoverned(request))).stream));
  const call = admitted instanceof Promise ? await admitted : admitted;
  const result = await started(engine, call, async (grant) => {
    const opened = await execute(grant);
    // Stopped while the provider was answering: the caller has its error, nobody will read this stream.
    if (call.ended) await openSource(opened.stream).cancel(call.stopped);
    else call.reads = 0;
    return opened;
  });
  if (call.ended) {
    // Stopped between the provider's answer and this line.
    await openSource(result.stream).cancel(call.stopped);
    throw call.stopped ?? new Error('The call ended before its stream began.');
  }
  return guard(call, result);
}

/** Counts what a stream says about itself. */
class Meter implements StreamMeter {
  last: Usage | undefined;
  hasFailed = false;
  readonly #call: InFlight;

  constructor(call: InFlight) {
    this.#call = call;
  }
  output(text: string): void {
    this.#call.outputSeen += utf8Length(text);
  }
  usage(usage: Usage): void {
    this.last = usage;
  }
  model(id: string): void {
    this.#call.answeringModel = id;
  }
  toolCall(): void {
    this.#call.toolCalls += 1;
  }
  failed(): void {
    this.hasFailed = true;
  }
}

function guard<C>(call: InFlight, result: StreamResult<C>): ReadableStream<C> {
  const source = openSource(result.stream);
  const meter = new Meter(call);
  const settle = (): void => {
    if (meter.hasFailed) call.loseStream();
    else call.completeStream(meter.last);
  };
  let closed = false;
  return new ReadableStream<C>(
    {
      start(controller) {
        call.onStop = (error) => {
          closed = true;
          const chunks = result.onStop?.(error);
          if (chunks === undefined) controller.error(error);
          else {
            for (const chunk of chunks) controller.enqueue(chunk);
            controller.close();
          }
          source.cancel(error).catch(ignore);
        };
      },
      async pull(controller) {
        call.reads = (call.reads ?? 0) + 1;
        call.reading = true;
        try {
          const { done, value } = await source.read();
          call.reading = false;
          if (closed) return;
          if (done === true) {
            closed = true;
            settle();
            controller.close();
            return;
          }
          result.meter(value as C, meter);
          controller.enqueue(value as C);
        } catch (error) {
          if (closed) return;
          closed = true;
          if (call.signal.aborted) call.cancelStream();
          else call.loseStream();
          controller.error(error);
          source.cancel(error).catch(ignore);
        }
      },
      async cancel(reason) {
        closed = true;
        // A reader that leaves after the provider's last word has been read still gets the exact price.
        if (meter.last !== undefined && !meter.hasFailed) settle();
        else call.cancelStream();
        await source.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

function openSource<C>(stream: ReadableStream<C> | AsyncIterable<C>): Source<C> {
  if (stream instanceof ReadableStream) return stream.getReader();
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
