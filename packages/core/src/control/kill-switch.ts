/** The stop that holds for a whole agent until someone resumes it: by a person, by code, or by the backend. */
import { KilledError, type KillReason } from '../errors.ts';

/** Why and when an agent was stopped. */
export interface Kill {
  readonly reason: KillReason;
  /** Who stopped it, where known. */
  readonly by: string | undefined;
  /** Wall-clock milliseconds. */
  readonly at: number;
}

/** One agent's stop state and the signal that follows it. */
export class KillSwitch {
  #kill: Kill | undefined;
  #error: KilledError | undefined;
  #controller = new AbortController();

  /** The present kill; `undefined` while the agent may run. */
  get kill(): Kill | undefined {
    return this.#kill;
  }

  /** What new calls are refused with. */
  get error(): KilledError | undefined {
    return this.#error;
  }

  /** Aborts on a kill that ends calls in flight; a fresh one after {@link clear}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Stops the agent; replaces an earlier kill. */
  set(agentName: string, kill: Kill): void {
    this.#kill = kill;
    const by = kill.by === undefined ? '' : ` by ${kill.by}`;
    const message = `Agent ${agentName} was stopped${by} (${kill.reason}). Calls are refused until guard.resume().`;
    this.#error = new KilledError(message, kill.reason, kill.by);
  }

  /** Aborts the signal that users hand to their own work. */
  abort(reason: Error): void {
    this.#controller.abort(reason);
  }

  /** Lets the agent run again. */
  clear(): void {
    this.#kill = undefined;
    this.#error = undefined;
    this.#controller = new AbortController();
  }
}
