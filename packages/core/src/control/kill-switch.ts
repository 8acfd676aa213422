/** The stops that hold for a whole agent until whoever holds one lifts it: code, a person at the backend, or the backend itself. */
import { KilledError, type KillReason } from '../errors.ts';
import { IngestRejectedError, type Rejection } from '../rejection.ts';

/**
 * Who holds a stop, and alone can lift it. `code`: this process, by `guard.kill()`. `operator`: a person, at the backend.
 * `backend`: it takes nothing more from the key, the plan or the organisation.
 */
export type KillHolder = 'code' | 'operator' | 'backend';

/** Why and when an agent was stopped. */
export interface Kill {
  readonly reason: KillReason;
  /** Who stopped it, where known. */
  readonly by: string | undefined;
  /** Wall-clock milliseconds. */
  readonly at: number;
  readonly holder: KillHolder;
}

/** A stop and what new calls are refused with. */
interface Held {
  readonly kill: Kill;
  readonly error: KilledError | IngestRejectedError;
}

/** Of several stops, calls are refused with the one that the process can do least about. */
const ORDER: readonly KillHolder[] = ['operator', 'backend', 'code'];

/** Reasons whose kill ends calls in flight; a budget kill lets them finish, since they are paid for. */
const ABORTING: ReadonlySet<KillReason> = new Set<KillReason>(['manual', 'duration', 'loop', 'key_revoked']);

/** What a rejection by the backend means, and what to do. */
const REJECTED: Readonly<Record<Rejection, string>> = {
  tier_agent_limit: "the plan's number of agents is used up: remove an agent or upgrade the plan",
  daily_limit: "the plan's events of this day are used up: they start anew at 00:00 UTC, or upgrade the plan",
  org_budget_exceeded: "the organisation's budget is spent: raise it with npx agentkavach budget set",
  key_revoked: 'the API key is revoked or unknown: make a new one with npx agentkavach keys create',
};

/** Whether a kill for this reason ends calls in flight. */
export function endsCalls(reason: KillReason): boolean {
  return ABORTING.has(reason);
}

/** One agent's stops and the signal that follows them. */
export class KillSwitch {
  readonly #held = new Map<KillHolder, Held>();
  #first: Held | undefined;
  #controller = new AbortController();
  #kills = new AbortController();

  /** The stop that calls are refused with; `undefined` while the agent may run. */
  get kill(): Kill | undefined {
    return this.#first?.kill;
  }

  /** What new calls are refused with. */
  get error(): KilledError | IngestRejectedError | undefined {
    return this.#first?.error;
  }

  /** Whether the backend holds a stop, by whomever: it gives the agent nothing then. */
  get isRemote(): boolean {
    return this.#held.has('operator') || this.#held.has('backend');
  }

  /** Aborts on a kill that ends calls in flight; a fresh one after {@link renew}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The same, for kills alone: what stops only the calls outside of a run does not stop the runs. */
  get killSignal(): AbortSignal {
    return this.#kills.signal;
  }

  /**
   * Stops the agent, beside the stops of other holders.
   *
   * @returns the error of the new stop; `undefined` where the same holder has stopped the agent before, unless the new stop ends
   *   calls that the earlier one lets finish
   */
  set(agentName: string, kill: Kill): Error | undefined {
    const present = this.#held.get(kill.holder)?.kill;
    if (present !== undefined && (!endsCalls(kill.reason) || endsCalls(present.reason))) return undefined;
    const error = errorOf(agentName, kill);
    this.#held.set(kill.holder, { kill, error });
    this.#look();
    return error;
  }

  /** Aborts the signal that users hand to their own work. @param isKill the whole agent is stopped, its runs too */
  abort(reason: Error, isKill: boolean): void {
    this.#controller.abort(reason);
    if (isKill) this.#kills.abort(reason);
  }

  /** Takes one holder's stop away; those of others stay. @returns whether there was one */
  lift(holder: KillHolder): boolean {
    const wasHeld = this.#held.delete(holder);
    this.#look();
    return wasHeld;
  }

  /**
   * Gives fresh signals for those that were aborted, where nothing stops the agent any more. One that was not stays: work that
   * holds it must hear of the next kill.
   *
   * @param isAll also where something else than a kill had aborted it
   */
  renew(isAll: boolean): void {
    if (this.#first !== undefined) return;
    if (this.#kills.signal.aborted) this.#kills = new AbortController();
    if (isAll && this.#controller.signal.aborted) this.#controller = new AbortController();
  }

  #look(): void {
    const holder = ORDER.find((each) => this.#held.has(each));
    this.#first = holder === undefined ? undefined : this.#held.get(holder);
  }
}

function errorOf(agentName: string, { reason, by, holder }: Kill): KilledError | IngestRejectedError {
  if (isRejection(reason) && holder !== 'code') {
    const message = `The backend refuses agent ${agentName} (${reason}): ${REJECTED[reason]}. Nothing was sent.`;
    return new IngestRejectedError(message, reason);
  }
  const who = by === undefined ? '' : ` by ${by}`;
  const until = holder === 'code' ? 'guard.resume()' : `it is resumed: npx agentkavach resume ${agentName}`;
  const message = `Agent ${agentName} was stopped${who} (${reason}). Calls are refused until ${until}.`;
  return new KilledError(message, reason, by);
}

function isRejection(reason: KillReason): reason is Rejection {
  return Object.hasOwn(REJECTED, reason);
}
