/** Obeys what the backend stops: an operator's kill and resume, and its own refusal to take anything more from an agent. */
import type { Engine } from './engine.ts';
import type { Rejection } from './rejection.ts';
import type { AgentState } from './wire/index.ts';

/** What an answer was to: each kind of request is refused and taken again by itself. */
export type Request = 'connect' | 'ingest';

/** The stops of one guard that its backend holds. */
export class RemoteStops {
  readonly #engine: Engine;
  readonly #refresh: () => void;
  readonly #rejected = new Set<Request>();

  /** @param refresh reads the backend's state again */
  constructor(engine: Engine, refresh: () => void) {
    this.#engine = engine;
    this.#refresh = refresh;
  }

  /** An operator has stopped the agent, or resumed it. */
  observe({ killed, reason, by }: AgentState): void {
    if (killed) this.#engine.kill(reason ?? 'manual', by ?? undefined, 'operator');
    else this.#engine.lift('operator');
  }

  /** The backend takes nothing more from the agent. */
  reject(reason: Rejection, request: Request): void {
    this.#rejected.add(request);
    this.#engine.kill(reason, 'backend', 'backend');
  }

  /** A request was taken. Once no kind of them is refused any more, the agent goes on. */
  accepted(request: Request): void {
    if (this.#rejected.delete(request) && this.#rejected.size === 0) this.#engine.lift('backend');
    // What has changed, the other kind should know soon.
    else if (request === 'ingest' && this.#rejected.size > 0) this.#refresh();
  }
}
