/** One lease desk for all guards of a process that use the same backend with the same key. */
import { LeaseDesk, type LeaseDeskOptions } from './budget/lease-desk.ts';
import type { BackendAccess } from './config/policy.ts';
import type { AgentState } from './wire/index.ts';

/** A guard's part in a desk. */
export interface DeskShare {
  readonly desk: LeaseDesk;
  /** Gives it up; with the last part, all leases go back. */
  release(): Promise<void>;
}

interface Entry {
  readonly desk: LeaseDesk;
  /** One for each guard. */
  readonly observers: Set<(state: AgentState) => void>;
}

// Like the pools, shared by all copies of this package in the process: a pool must have one lender.
const DESKS = Symbol.for('agentkavach.desks');
const registry = globalThis as { [DESKS]?: Map<string, Entry> };

/**
 * The desk of a backend; made by the first guard that asks.
 *
 * @param observe is told of each state of an agent that an answer carries
 */
export function deskOf(
  { url, apiKey }: BackendAccess,
  options: Omit<LeaseDeskOptions, 'onState'>,
  observe: (state: AgentState) => void,
): DeskShare {
  const desks = (registry[DESKS] ??= new Map<string, Entry>());
  const realm = `${url}\n${apiKey}`;
  const entry = desks.get(realm) ?? newEntry(options);
  desks.set(realm, entry);
  entry.observers.add(observe);
  return {
    desk: entry.desk,
    release: async () => {
      if (!entry.observers.delete(observe) || entry.observers.size > 0) return;
      desks.delete(realm);
      await entry.desk.close();
    },
  };
}

function newEntry(options: Omit<LeaseDeskOptions, 'onState'>): Entry {
  const observers = new Set<(state: AgentState) => void>();
  const onState = (state: AgentState): void => {
    for (const observe of observers) observe(state);
  };
  return { desk: new LeaseDesk({ ...options, onState }), observers };
}
