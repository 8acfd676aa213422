/**
 * Holds calls back while it is found out what was spent before: a restarted process must not start from zero. They wait for
 * no other call here, so `waitMs` does not run; whoever shuts a gate opens it within a bound of its own.
 */
import { unlisten } from './unlisten.ts';

/** Nobody's period: what counts is that the timer is there. */
const LONG_MS = 60_000;

/** One that waits. */
interface Caller {
  readonly enter: () => void;
  readonly refuse: (reason: unknown) => void;
}

/** One guard's gate, shut. */
export class Gate {
  readonly #callers = new Set<Caller>();
  #hold: ReturnType<typeof setInterval> | undefined;

  /**
   * Waits until the gate opens. Those who wait go on in the order in which they came.
   *
   * @throws the signal's reason, or what {@link refuse} is given
   */
  async pass(signal: AbortSignal | undefined): Promise<void> {
    let refuse: Caller['refuse'] = () => undefined;
    const giveUp = (): void => refuse(signal?.reason);
    // First: a signal that can't be listened to must leave nothing here.
    signal?.addEventListener('abort', giveUp, { once: true });
    // What is waited for keeps no process alive; a call that waits for it does.
    this.#hold ??= setInterval(() => undefined, LONG_MS);
    let caller: Caller | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        refuse = reject;
        caller = { enter: resolve, refuse };
        this.#callers.add(caller);
      });
    } finally {
      unlisten(signal, giveUp);
      if (caller !== undefined) this.#callers.delete(caller);
      if (this.#callers.size === 0) this.#letGo();
    }
  }

  /** Lets everybody in. */
  open(): void {
    for (const { enter } of this.#callers) enter();
  }

  /** Ends the wait of all who wait now. */
  refuse(error: Error): void {
    for (const { refuse } of this.#callers) refuse(error);
  }

  #letGo(): void {
    clearInterval(this.#hold);
    this.#hold = undefined;
  }
}
