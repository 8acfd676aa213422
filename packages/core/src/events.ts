/** What a guard tells its listeners. Events are made only when someone listens. */
import type { KavachError, KillReason } from './errors.ts';

/** A call was charged. */
export interface SpendEvent {
  readonly agentName: string;
  readonly runId: string;
  readonly provider: string;
  readonly model: string;
  /** Dollars. */
  readonly usd: number;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
  /** The provider did not say what it billed; the amount is an upper bound. */
  readonly estimated: boolean;
  /** How the call ended. */
  readonly outcome: CallOutcome;
  /** Wall-clock milliseconds. */
  readonly at: number;
}

/** How a call ended. `released`: the provider refused it or never got it; nothing was charged. */
export type CallOutcome = 'completed' | 'released' | 'cancelled' | 'unknown' | 'charge';

/** A budget's spend passed a share of its limit. Amounts in the budget's unit. */
export interface ThresholdEvent {
  readonly agentName: string;
  readonly budgetId: string;
  /** `cost`, `tokens` or `calls`. */
  readonly budgetType: 'cost' | 'tokens' | 'calls';
  /** The user or tag whose account it is, for budgets that have one for each. */
  readonly holder: string | undefined;
  readonly threshold: number;
  readonly spent: number;
  readonly limit: number;
  /** Wall-clock milliseconds. */
  readonly at: number;
}

/** The agent or one of its runs was stopped. */
export interface KillEvent {
  readonly agentName: string;
  readonly reason: KillReason;
  readonly by: string | undefined;
  /** The run, where a guardrail stopped only that. */
  readonly runId: string | undefined;
  readonly at: number;
}

/** A call was refused, or under `observe` would have been. */
export interface DeniedEvent {
  readonly agentName: string;
  readonly error: KavachError;
  /** False under `observe`: the call went through. */
  readonly enforced: boolean;
  readonly at: number;
}

/** The agent was resumed. */
export interface ResumeEvent {
  readonly agentName: string;
  readonly at: number;
}

/** All events by name. */
export interface KavachEvents {
  spend: SpendEvent;
  threshold: ThresholdEvent;
  kill: KillEvent;
  denied: DeniedEvent;
  resume: ResumeEvent;
}

type Listener<K extends keyof KavachEvents> = (event: KavachEvents[K]) => void;

/** The names that `guard.on()` takes. */
export const EVENT_NAMES: readonly (keyof KavachEvents)[] = ['spend', 'threshold', 'kill', 'denied', 'resume'];

/** Listeners by event. One that throws does not stop the others, nor the call. */
export class Events {
  readonly #listeners: { [K in keyof KavachEvents]: Set<Listener<K>> } = {
    spend: new Set(),
    threshold: new Set(),
    kill: new Set(),
    denied: new Set(),
    resume: new Set(),
  };

  /** Adds a listener. @returns a function that removes it */
  on<K extends keyof KavachEvents>(name: K, listener: Listener<K>): () => void {
    const listeners: Set<Listener<K>> = this.#listeners[name];
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Sends an event that is made only if someone listens. */
  emit<K extends keyof KavachEvents>(name: K, make: () => KavachEvents[K]): void {
    const listeners: Set<Listener<K>> = this.#listeners[name];
    if (listeners.size === 0) return;
    const event = make();
    for (const listener of [...listeners]) isolated(name, () => listener(event));
  }

  /** Whether anyone listens. */
  has(name: keyof KavachEvents): boolean {
    return this.#listeners[name].size > 0;
  }
}

/** Runs a user's callback so that its failure, also a later one, reaches the log and nothing else. */
export function isolated(name: string, callback: () => unknown): void {
  const report = (error: unknown): void => console.error(`[agentkavach] the ${name} callback failed:`, error);
  try {
    const result = callback();
    if (result instanceof Promise) result.catch(report);
  } catch (error) {
    report(error);
  }
}
