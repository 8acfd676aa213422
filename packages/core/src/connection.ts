/**
 * A guard's tie to its backend, from the first moment: calls wait until it is known what was spent before, and what
 * happens meanwhile is written down. All that needs the network is loaded behind it, so that a guard without a backend
 * never loads it.
 */
import type { Pool } from './budget/pool.ts';
import type { AdjustedClock } from './clock.ts';
import type { BackendAccess } from './config/policy.ts';
import type { BackendStatus } from './backend-status.ts';
import type { Connected } from './connected.ts';
import type { Engine } from './engine.ts';
import { Gate } from './gate.ts';
import { EventRecorder } from './recorder.ts';

/** One guard's tie to its backend. */
export class Connection {
  readonly #engine: Engine;
  readonly #ready: Promise<Connected>;
  #connected: Connected | undefined;

  constructor(engine: Engine, access: BackendAccess, clock: AdjustedClock) {
    this.#engine = engine;
    const { policy, events } = engine;
    const recorder = new EventRecorder(policy, events, () => engine.defaultRun.id);
    engine.recorders.push(recorder);
    if (policy.mode !== 'observe') engine.gate = new Gate(); // what only observes delays nobody
    this.#ready = import('./connected.ts').then(({ Connected }) => {
      this.#connected = new Connected(engine, recorder, access, clock);
      return this.#connected;
    });
    this.#ready.catch((error: unknown) => {
      console.error('[agentkavach] the backend part could not be loaded; limits hold in this process alone:', error);
      engine.open();
    });
  }

  /** The present state. */
  get status(): BackendStatus {
    return this.#connected?.status ?? { state: 'connecting', realtime: false, pending: 0, dropped: 0 };
  }

  /**
   * Tells the backend a new limit, in the budget's own unit.
   *
   * @returns false where an operator has set the limit: code does not change it then, and the log says so
   */
  setLimit(pool: Pool, value: number): boolean {
    if (this.#connected?.mayChange(pool, value) === false) return false;
    this.#engine.unfinished.track(
      this.#ready.then((connected) => connected.setLimit(pool, value)).catch(() => undefined),
    );
    return true;
  }

  /** Delivers what is written down, for a few seconds at most. */
  async flush(): Promise<void> {
    await stay(this.#ready.then((connected) => connected.flush()));
  }

  /** Gives leases back, delivers what is written down, and ends every connection. */
  async close(): Promise<void> {
    await stay(this.#ready.then((connected) => connected.close()));
  }
}

/** Nothing of the connection keeps a process alive; whoever waits for its end does. */
async function stay(work: Promise<void>): Promise<void> {
  const hold = setInterval(() => undefined, 60_000);
  try {
    await work;
  } catch {
    // What could not be told is kept, and has been said.
  } finally {
    clearInterval(hold);
  }
}
