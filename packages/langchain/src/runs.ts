/**
 * The calls that callbacks have announced and not ended yet, one set for each guard: however many handlers of a guard hear
 * of a call, it is held once. Nothing here outlives its call: the guard itself ends calls that nobody ends.
 */
import type { AgentKavach, CallRequest, ReservedCall } from '@agentkavach/core';
import { figuresOfGenerations, priced } from './answer.ts';
import { final } from './refusal.ts';
import { fields, list } from './shape.ts';
import { StreamReader } from './stream-reader.ts';

/** Stopped calls whose next callback is to throw; more than these are forgotten, oldest first. */
const MOST_STOPPED = 1_000;

interface OpenRun {
  readonly request: CallRequest;
  readonly reader: StreamReader;
  readonly held: Promise<ReservedCall>;
  /** Set once the reservation is held. */
  call?: ReservedCall;
  streams: boolean;
  /** Are told when the call is stopped from outside. */
  readonly listeners: ((error: Error) => void)[];
}

/** Calls that one `generate()` announces together: where one is refused, none of them is sent. */
interface Batch {
  readonly ids: Set<string>;
  refusal?: Error;
}

const ofGuards = new WeakMap<AgentKavach, CallRuns>();

/** The announced calls of a guard. */
export function runsOf(guard: AgentKavach): CallRuns {
  const runs = ofGuards.get(guard) ?? new CallRuns(guard);
  ofGuards.set(guard, runs);
  return runs;
}

/** The announced calls of one guard. */
export class CallRuns {
  readonly #guard: AgentKavach;
  readonly #open = new Map<string, OpenRun>();
  readonly #stopped = new Map<string, Error>();
  readonly #batches = new WeakMap<object, Batch>();

  constructor(guard: AgentKavach) {
    this.#guard = guard;
  }

  /** Calls that are announced and not ended. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Holds a call's worst case, synchronously where there is room.
   *
   * @param batch the object that the calls of one `generate()` have in common
   * @throws the guard's refusal; LangChain then sends nothing
   */
  async begin(id: string, request: CallRequest, batch: object, onStop: (error: Error) => void): Promise<void> {
    const present = this.#open.get(id);
    if (present !== undefined) {
      present.listeners.push(onStop);
      await present.held;
      return;
    }
    const siblings = this.#batches.get(batch) ?? { ids: new Set<string>() };
    this.#batches.set(batch, siblings);
    throwRefusal(siblings);
    const listeners = [onStop];
    const held = this.#guard.reserve(request, (error) => this.#stop(id, error, listeners));
    const run: OpenRun = { request, reader: new StreamReader(request.provider), held, streams: false, listeners };
    this.#open.set(id, run);
    siblings.ids.add(id);
    try {
      run.call = await held;
    } catch (error) {
      this.#open.delete(id);
      const refusal = final(error instanceof Error ? error : new Error(String(error)));
      this.#refuse(siblings, refusal);
      throw refusal;
    }
    if (siblings.refusal !== undefined) this.#release(id);
    throwRefusal(siblings);
  }

  /** A chunk of a stream. @throws the error that has stopped the call */
  chunk(id: string, chunk: unknown): void {
    this.#read(id, (run, call) => run.reader.chunk(chunk, call.meter));
  }

  /** An event of a stream. @throws the error that has stopped the call */
  event(id: string, event: unknown): void {
    this.#read(id, (run, call) => run.reader.event(event, call.meter));
  }

  /** The call has its answer. @throws the error that has stopped the call meanwhile */
  end(id: string, output: unknown, cached: boolean): void {
    const run = this.#take(id);
    if (run?.call === undefined) return this.#throwStopped(id, true);
    if (cached) return run.call.settle({ cached: true });
    const { generations, llmOutput } = fields(output) ?? {};
    const shown = figuresOfGenerations(run.request, list(generations)[0], llmOutput);
    run.call.settle(priced(run.request, { ...shown, usage: run.reader.usage ?? shown.usage }));
  }

  /** The call failed. */
  fail(id: string, error: unknown): void {
    this.#stopped.delete(id);
    const run = this.#take(id);
    if (run?.call === undefined) return;
    if (run.streams && isAbort(error)) run.call.cancel();
    else run.call.fail(error);
  }

  #read(id: string, read: (run: OpenRun, call: ReservedCall) => void): void {
    const run = this.#open.get(id);
    if (run?.call === undefined) return this.#throwStopped(id, false);
    run.streams = true;
    read(run, run.call);
    const { usage } = run.reader;
    if (usage !== undefined) run.call.meter.usage(usage);
  }

  #take(id: string): OpenRun | undefined {
    const run = this.#open.get(id);
    this.#open.delete(id);
    return run;
  }

  #throwStopped(id: string, forget: boolean): void {
    const error = this.#stopped.get(id);
    if (forget) this.#stopped.delete(id);
    if (error !== undefined) throw error;
  }

  #stop(id: string, error: Error, listeners: readonly ((error: Error) => void)[]): void {
    this.#open.delete(id);
    this.#stopped.set(id, final(error));
    for (const oldest of this.#stopped.keys()) {
      if (this.#stopped.size <= MOST_STOPPED) break;
      this.#stopped.delete(oldest);
    }
    for (const listener of listeners) listener(error);
  }

  #refuse(batch: Batch, refusal: Error): void {
    batch.refusal = refusal;
    for (const id of batch.ids) this.#release(id);
  }

  /** Returns what is held for a call that will not be sent. */
  #release(id: string): void {
    const run = this.#open.get(id);
    if (run?.call === undefined) return; // still waiting: it learns of the refusal when it is admitted
    this.#open.delete(id);
    run.call.settle({ cached: true });
  }
}

function throwRefusal({ refusal }: Batch): void {
  if (refusal !== undefined) throw refusal;
}

/** Whether a failure is somebody's abort, in the words of LangChain and of the providers' SDKs. */
function isAbort(error: unknown): boolean {
  const { name, message } = fields(error) ?? {};
  return (
    name === 'AbortError' ||
    name === 'ModelAbortError' ||
    name === 'APIUserAbortError' ||
    message === 'AbortError' ||
    message === 'Aborted' ||
    message === 'Request was aborted.'
  );
}
