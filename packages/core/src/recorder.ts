/**
 * Writes down what the backend is to know: each settled call, each charge, each refusal, kill and resume, as one event with
 * an id of its own. It only makes the event; a buffer keeps it and a reporter sends it, off the hot path.
 */
import type { Account } from './budget/pool.ts';
import type { Policy } from './config/policy.ts';
import type { Events } from './events.ts';
import type { Run } from './guardrails/run.ts';
import type { InFlight } from './in-flight.ts';
import type { Nano } from './money.ts';
import { promptOf } from './prompt.ts';
import type { Frame } from './scope.ts';
import type { Charge } from './settlement.ts';
import { callEvent, chargeEvent, newOrigin, noteEvent, untimed } from './telemetry/event.ts';
import { EventQueue } from './telemetry/event-queue.ts';
import type { NoteEvent, WireEvent } from './wire/index.ts';

/** Refusals beyond so many in a second are not written down: a loop that ignores its refusals must not flood the buffer. */
const NOTES_PER_SECOND = 20;

/** Is told of everything that is charged, in the same turn. Must not throw. */
export interface Recorder {
  /** A call was settled. */
  call(call: InFlight, charge: Charge, model: string): void;
  /** Money was spent outside a call. */
  charge(nano: Nano, name: string, run: Run, frame: Frame | undefined, accounts: readonly Account[]): void;
}

/** Makes the events of one guard. */
export class EventRecorder implements Recorder {
  /** What its events are known by. */
  readonly origin = newOrigin();
  /** What their ids begin with now. */
  #prefix: string;
  readonly #policy: Policy;
  /** What waits for a buffer to be opened. */
  readonly #early = new EventQueue();
  #lost = 0;
  #sink: ((event: WireEvent) => void) | undefined;
  #second = 0;
  #notes = 0;

  /** @param runId the run that an event outside of any call belongs to */
  constructor(policy: Policy, events: Events, runId: () => string) {
    // Here, not beside its declaration: compiled for CommonJS, public fields are set after the private ones.
    this.#prefix = untimed(this.origin);
    this.#policy = policy;
    const note = (type: NoteEvent['type'], code: string, message?: string): void => {
      if (!this.#mayNote()) return;
      this.#write(
        noteEvent({ agent: policy.agentName, runId: runId(), at: this.#now(), type, code, message }, this.#prefix),
      );
    };
    events.on('denied', ({ error }) => note('denied', error.code, error.message.slice(0, 500)));
    events.on('kill', ({ reason, by }) => note('kill', reason, by));
    events.on('resume', () => note('resume', 'manual'));
  }

  /** The clock is set by the backend's from here on. */
  knowsTime(): void {
    this.#prefix = this.origin;
  }

  /** Events that were lost before a buffer was there: they came too fast. */
  get lost(): number {
    return this.#lost;
  }

  /** Hands over what was written so far, and from now on each event as it comes. */
  attach(sink: (event: WireEvent) => void): void {
    this.#sink = sink;
    for (const event of this.#early.take(Number.POSITIVE_INFINITY)) sink(event);
  }

  /** One that never reached a provider is no call. */
  call({ run, startedNow, frame, claim, toolCalls }: InFlight, charge: Charge, model: string): void {
    if (charge.outcome === 'released' && charge.calls === 0) return;
    const { input, provider } = claim.request;
    const prompt = this.#policy.savePrompts ? promptOf(input) : '';
    const event = callEvent(
      {
        agent: this.#policy.agentName,
        runId: run.id,
        at: this.#now(),
        startedAt: startedNow,
        user: frame?.user,
        tags: frame?.tags,
        provider,
        model,
        outcome: charge.outcome,
        estimated: charge.estimated,
        nano: charge.usd,
        tokens: charge.tokens,
        calls: charge.calls,
        inputTokens: charge.inputTokens,
        outputTokens: charge.outputTokens,
        toolCalls: toolCalls === 0 ? undefined : toolCalls,
        prompt: prompt === '' ? undefined : prompt,
      },
      this.#prefix,
    );
    this.#write(event);
  }

  charge(nano: Nano, name: string, run: Run, frame: Frame | undefined): void {
    const at = this.#now();
    const whose = { agent: this.#policy.agentName, runId: run.id, user: frame?.user, tags: frame?.tags };
    this.#write(chargeEvent({ ...whose, at, startedAt: at, name, nano }, this.#prefix));
  }

  #now(): number {
    return Math.round(this.#policy.clock.now());
  }

  #write(event: WireEvent): void {
    if (this.#sink !== undefined) this.#sink(event);
    else this.#lost += this.#early.push(event);
  }

  #mayNote(): boolean {
    const second = Math.floor(this.#policy.clock.monotonic() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#notes = 0;
    }
    this.#notes += 1;
    return this.#notes <= NOTES_PER_SECOND;
  }
}
