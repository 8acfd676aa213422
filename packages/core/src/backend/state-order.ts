/** The order of an agent's kills and resumes, whichever way and however late they arrive: a higher epoch is newer. */
import type { AgentState } from '../wire/index.ts';

/** What is known of one agent. */
export class StateOrder {
  readonly #agent: string;
  #epoch = -1;

  constructor(agent: string) {
    this.#agent = agent;
  }

  /** The newest epoch so far; -1 before the first. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether a state is this agent's. */
  isOf(state: AgentState): boolean {
    return state.agent === this.#agent;
  }

  /** Takes a state in; `false` where it is old news, or another agent's. */
  take(state: AgentState): boolean {
    if (!this.isOf(state) || state.epoch <= this.#epoch) return false;
    this.#epoch = state.epoch;
    return true;
  }

  /** Whether states between the newest and this one were missed. */
  isGap(state: AgentState): boolean {
    return this.isOf(state) && state.epoch > this.#epoch + 1;
  }

  /**
   * Notices a backend that was set back, to a backup for example: its own answer is older than what was known before it was
   * asked. Epochs count from there now, or later kills would pass for old news. What it says is news only if it is a kill:
   * being set back lifts none.
   *
   * @param before the newest epoch when the request went out
   */
  restart(state: AgentState, before: number): void {
    if (this.isOf(state) && state.epoch < before) this.#epoch = state.killed ? state.epoch - 1 : state.epoch;
  }
}
