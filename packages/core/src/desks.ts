/** One lease desk for all guards of a process that use the same backend with the same key. */
import { LeaseDesk, type LeaseDeskOptions } from './budget/lease-desk.ts';
import type { LeaseAuthority } from './budget/lease-exchange.ts';
import type { Pool } from './budget/pool.ts';
import type { BackendAccess } from './config/policy.ts';
import type { AgentState, LeasesAnswer, LeasesRequest } from './wire/index.ts';

/** What a guard brings to a desk: its way to the backend, and the agent that it asks as. */
export interface DeskPart {
  readonly agent: string;
  readonly authority: LeaseAuthority;
  /** Whether the backend gives this agent nothing, because it is stopped. */
  readonly isStopped: () => boolean;
  /** Is told of each state of an agent that an answer carries. */
  readonly observe: (state: AgentState) => void;
}

/** A guard's part in a desk. */
export interface DeskShare {
  readonly desk: LeaseDesk;
  /** This guard is connected, and the backend knows a pool under this id. */
  open(pool: Pool, budgetId: string): void;
  /** This guard does not reach the backend. While another one of the process does, their leases go on. */
  lost(): void;
  /** Gives it up; with the last part, all leases go back. */
  release(): Promise<void>;
}

interface Entry {
  readonly desk: LeaseDesk;
  /** One for each guard. */
  readonly parts: Set<DeskPart>;
  /** Those that are connected. */
  readonly connected: Set<DeskPart>;
}

// Like the pools, shared by all copies of this package in the process: a pool must have one lender.
const DESKS = Symbol.for('agentkavach.desks');
const registry = globalThis as { [DESKS]?: Map<string, Entry> };

/** The desk of a backend; made by the first guard that asks. */
export function deskOf(
  { url, apiKey }: BackendAccess,
  options: Omit<LeaseDeskOptions, 'authority' | 'agent' | 'onState'>,
  part: DeskPart,
): DeskShare {
  const desks = (registry[DESKS] ??= new Map<string, Entry>());
  const realm = `${url}\n${apiKey}`;
  const entry = desks.get(realm) ?? newEntry(options, part);
  desks.set(realm, entry);
  entry.parts.add(part);
  return {
    desk: entry.desk,
    open: (pool, budgetId) => {
      entry.connected.add(part);
      entry.desk.open(pool, budgetId);
    },
    lost: () => {
      entry.connected.delete(part);
      if (entry.connected.size === 0) entry.desk.lost();
    },
    release: async () => {
      if (!entry.parts.has(part)) return;
      entry.connected.delete(part);
      if (entry.parts.size > 1) {
        entry.parts.delete(part);
        return;
      }
      // The last one stays: what is given back goes its way.
      if (desks.get(realm) === entry) desks.delete(realm);
      await entry.desk.close();
    },
  };
}

function newEntry(options: Omit<LeaseDeskOptions, 'authority' | 'agent' | 'onState'>, first: DeskPart): Entry {
  const parts = new Set<DeskPart>([first]);
  const desk = new LeaseDesk({ ...options, agent: first.agent, authority: new Parts(parts) });
  return { desk, parts, connected: new Set() };
}

/** Asks as any agent of the process that is not stopped: one agent's stop must not keep the others from their slices. */
class Parts implements LeaseAuthority {
  readonly #parts: ReadonlySet<DeskPart>;

  constructor(parts: ReadonlySet<DeskPart>) {
    this.#parts = parts;
  }

  async leases(request: LeasesRequest): Promise<LeasesAnswer> {
    const part = this.#next();
    let answer: LeasesAnswer;
    try {
      answer = await part.authority.leases({ ...request, agent: part.agent });
    } catch (error) {
      // It is this agent that was refused: nothing has changed by it, and another may ask the same.
      if (part.isStopped() && this.mayAskAgain(part.agent)) return this.leases(request);
      throw error;
    }
    // Before the answer is taken: who asks next must know who is stopped.
    for (const { observe } of [...this.#parts]) observe(answer.state);
    return answer;
  }

  mayAskAgain(agent: string): boolean {
    const next = this.#next();
    return next.agent !== agent && !next.isStopped();
  }

  #next(): DeskPart {
    const parts = [...this.#parts];
    return parts.find((part) => !part.isStopped()) ?? (parts[0] as DeskPart);
  }
}
