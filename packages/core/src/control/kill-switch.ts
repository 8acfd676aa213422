/** The stop that holds for a whole agent until someone resumes it: by a person, by code, or by the backend. */
import { KilledError, type KillReason } from '../errors.ts';
import { IngestRejectedError, type Rejection } from '../rejection.ts';

/** Why and when an agent was stopped. */
export interface Kill {
  readonly reason: KillReason;
  /** Who stopped it, where known. */
  readonly by: string | undefined;
  /** Wall-clock milliseconds. */
  readonly at: number;
  /** The backend holds the stop: only it can lift it. */
  readonly isRemote: boolean;
}

/** What a rejection by the backend means, and what to do. */
const REJECTED: Readonly<Record<Rejection, string>> = {
  tier_agent_limit: "the plan's number of agents is used up: remove an agent or upgrade the plan",
  daily_limit: "the plan's events of this day are used up: they start anew at 00:00 UTC, or upgrade the plan",
  org_budget_exceeded: "the organisation's budget is spent: raise it in the dashboard",
  key_revoked: 'the API key is revoked or unknown: make a new one with npx agentkavach keys create',
};

/** One agent's stop state and the signal that follows it. */
export class KillSwitch {
  #kill: Kill | undefined;
  #error: KilledError | IngestRejectedError | undefined;
  #controller = new AbortController();
  #kills = new AbortController();

  /** The present kill; `undefined` while the agent may run. */
  get kill(): Kill | undefined {
    return this.#kill;
  }

  /** What new calls are refused with. */
  get error(): KilledError | IngestRejectedError | undefined {
    return this.#error;
  }

  /** Aborts on a kill that ends calls in flight; a fresh one after {@link clear}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The same, for kills alone: what stops only the calls outside of a run does not stop the runs. */
  get killSignal(): AbortSignal {
    return this.#kills.signal;
  }

  /** Stops the agent; replaces an earlier kill. */
  set(agentName: string, kill: Kill): void {
    this.#kill = kill;
    const { reason, by, isRemote } = kill;
    if (isRejection(reason) && isRemote) {
      const message = `The backend refuses agent ${agentName} (${reason}): ${REJECTED[reason]}. Nothing was sent.`;
      this.#error = new IngestRejectedError(message, reason);
      return;
    }
    const who = by === undefined ? '' : ` by ${by}`;
    const until = isRemote ? `it is resumed: npx agentkavach resume ${agentName}` : 'guard.resume()';
    const message = `Agent ${agentName} was stopped${who} (${reason}). Calls are refused until ${until}.`;
    this.#error = new KilledError(message, reason, by);
  }

  /** Aborts the signal that users hand to their own work. @param isKill the whole agent is stopped, its runs too */
  abort(reason: Error, isKill: boolean): void {
    this.#controller.abort(reason);
    if (isKill) this.#kills.abort(reason);
  }

  /** Lets the agent run again. */
  clear(): void {
    this.#kill = undefined;
    this.#error = undefined;
    this.#controller = new AbortController();
    this.#kills = new AbortController();
  }
}

function isRejection(reason: KillReason): reason is Rejection {
  return Object.hasOwn(REJECTED, reason);
}
