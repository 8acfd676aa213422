/** One lease desk for all guards of a process that use the same backend with the same key. */
import { LeaseDesk, type LeaseDeskOptions } from './budget/lease-desk.ts';
import type { BackendAccess } from './config/policy.ts';

/** A guard's part in a desk. */
export interface DeskShare {
  readonly desk: LeaseDesk;
  /** Gives it up; with the last part, all leases go back. */
  release(): Promise<void>;
}

interface Entry {
  readonly desk: LeaseDesk;
  guards: number;
}

// Like the pools, shared by all copies of this package in the process: a pool must have one lender.
const DESKS = Symbol.for('agentkavach.desks');
const registry = globalThis as { [DESKS]?: Map<string, Entry> };

/** The desk of a backend; made by the first guard that asks. */
export function deskOf({ url, apiKey }: BackendAccess, options: LeaseDeskOptions): DeskShare {
  const desks = (registry[DESKS] ??= new Map<string, Entry>());
  const realm = `${url}\n${apiKey}`;
  let entry = desks.get(realm);
  if (entry === undefined) {
    entry = { desk: new LeaseDesk(options), guards: 0 };
    desks.set(realm, entry);
  }
  const own = entry;
  own.guards += 1;
  let isReleased = false;
  return {
    desk: own.desk,
    release: async () => {
      if (isReleased) return;
      isReleased = true;
      own.guards -= 1;
      if (own.guards > 0) return;
      desks.delete(realm);
      await own.desk.close();
    },
  };
}
