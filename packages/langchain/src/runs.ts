/**
 * The calls that callbacks have announced and not ended yet, one set for each guard: however many handlers of a guard hear
 * of a call, it is held once. Nothing here outlives its call: the guard itself ends calls that nobody ends.
 */
import { findKavachError, type AgentKavach, type CallRequest, type ReservedCall } from '@agentkavach/core';
import { dearest, figuresOfGenerations, priced } from './answer.ts';
import { mayThrow } from './chunk-callbacks.ts';
import { final } from './refusal.ts';
import { fields, list } from './shape.ts';
import { StreamReader } from './stream-reader.ts';

/** Stopped calls whose next callback is to throw; more than these are forgotten, oldest first. */
const MOST_STOPPED = 1_000;

interface OpenRun {
  /** The serialised model that it was announced with: two calls that were given one id differ in it. */
  readonly llm: object;
  readonly request: CallRequest;
  readonly reader: StreamReader;
  readonly held: Promise<ReservedCall>;
  /** Set once the reservation is held. */
  call?: ReservedCall;
  streams: boolean;
  /** The handler that announced it first. Others of the guard are told of the same chunks, which must count once. */
  readonly by: object;
  /** Are told when the call is stopped from outside. */
  readonly listeners: ((error: Error) => void)[];
}

/** A call that was stopped, whose next callback throws. */
interface Stopped {
  readonly error: Error;
  readonly llm: object;
}

/** Calls that one `generate()` announces together, to all guards: where one is refused, none of them is sent. */
interface Batch {
  /** Return what is held for the calls. */
  readonly releases: Set<() => void>;
  refusal?: Error;
}

const batches = new WeakMap<object, Batch>();

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
  readonly #stopped = new Map<string, Stopped>();

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
   * @param llm the serialised model, which the calls of one `generate()` have in common
   * @param by the handler that announces it
   * @throws the guard's refusal; LangChain then sends nothing
   */
  async begin(
    id: string,
    request: CallRequest,
    llm: object,
    by: object,
    onStop: (error: Error) => void,
  ): Promise<void> {
    const present = this.#open.get(id);
    if (present?.llm === llm) {
      present.listeners.push(onStop);
      await present.held;
      return;
    }
    // Another call that was given the same id takes its place: the earlier one, of which nobody hears any more, is
    // charged as held when its time is over.
    const siblings = batches.get(llm) ?? { releases: new Set<() => void>() };
    batches.set(llm, siblings);
    throwRefusal(siblings);
    const listeners = [onStop];
    const held = this.#guard.reserve(request, (error) => this.#stop(id, run, error));
    const reader = new StreamReader(request.provider);
    const run: OpenRun = { llm, request, reader, held, streams: false, by, listeners };
    this.#open.set(id, run);
    siblings.releases.add(() => this.#release(id, run));
    try {
      run.call = await held;
    } catch (error) {
      this.#forget(id, run);
      const refusal = final(error instanceof Error ? error : new Error(String(error)));
      siblings.refusal = refusal;
      for (const release of siblings.releases) release();
      throw refusal;
    }
    if (siblings.refusal !== undefined) this.#release(id, run);
    throwRefusal(siblings);
  }

  /** A chunk of a stream, as a handler is told of it. @throws the error that has stopped the call, where the integration takes it */
  chunk(id: string, chunk: unknown, by: object): void {
    this.#read(id, by, mayThrow, (run, call) => run.reader.chunk(chunk, call.meter));
  }

  /** An event of a stream, as a handler is told of it. @throws the error that has stopped the call */
  event(id: string, event: unknown, by: object): void {
    this.#read(id, by, always, (run, call) => run.reader.event(event, call.meter));
  }

  /** The call has its answer. @throws the error that has stopped the call meanwhile */
  end(id: string, output: unknown, cached: boolean): void {
    const run = this.#take(id);
    if (run?.call === undefined) return this.#throwStopped(id);
    if (cached) return run.call.settle({ cached: true });
    const { generations, llmOutput } = fields(output) ?? {};
    const shown = figuresOfGenerations(run.request, list(generations)[0], llmOutput);
    const usage = dearest(run.request, run.reader.usage ?? shown.usage);
    run.call.settle(priced(run.request, { ...shown, usage }));
  }

  /** The call failed. @throws the error that has stopped the call, where the failure only shows what that did to it */
  fail(id: string, error: unknown): void {
    const run = this.#take(id);
    if (run?.call === undefined) {
      if (findKavachError(error) === undefined) this.#throwStopped(id);
      this.#stopped.delete(id);
      return;
    }
    if (run.streams && isAbort(error)) run.call.cancel();
    else run.call.fail(error);
  }

  #read(
    id: string,
    by: object,
    throws: (llm: object) => boolean,
    read: (run: OpenRun, call: ReservedCall) => void,
  ): void {
    const run = this.#open.get(id);
    if (run?.call === undefined) {
      const stopped = this.#stopped.get(id);
      if (stopped !== undefined && throws(stopped.llm)) throw stopped.error;
      return;
    }
    if (run.by !== by) return;
    run.streams = true;
    read(run, run.call);
    const usage = dearest(run.request, run.reader.usage);
    if (usage !== undefined) run.call.meter.usage(usage);
  }

  #take(id: string): OpenRun | undefined {
    const run = this.#open.get(id);
    this.#open.delete(id);
    return run;
  }

  #throwStopped(id: string): void {
    const stopped = this.#stopped.get(id);
    this.#stopped.delete(id);
    if (stopped !== undefined) throw stopped.error;
  }

  #stop(id: string, run: OpenRun, error: Error): void {
    const { llm, listeners } = run;
    if (this.#forget(id, run)) this.#stopped.set(id, { error: final(error), llm });
    for (const oldest of this.#stopped.keys()) {
      if (this.#stopped.size <= MOST_STOPPED) break;
      this.#stopped.delete(oldest);
    }
    for (const listener of listeners) listener(error);
  }

  /** @returns false where another call has the id by now */
  #forget(id: string, run: OpenRun): boolean {
    return this.#open.get(id) === run && this.#open.delete(id);
  }

  /** Returns what is held for a call that will not be sent. */
  #release(id: string, run: OpenRun): void {
    if (run.call === undefined) return; // still waiting: it learns of the refusal when it is admitted
    this.#forget(id, run);
    run.call.settle({ cached: true });
  }
}

const always = (): boolean => true;

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
