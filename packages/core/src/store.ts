/** Where a guard keeps what its backend does not have yet: on disk where there is one, else in memory. */
import type { Clock } from './clock.ts';
import type { BackendAccess } from './config/policy.ts';
import type { Journal } from './spend-keeper.ts';
import { MemoryBuffer, type EventBuffer } from './telemetry/buffer.ts';

/** What outlives the process, where it can. */
export interface Store {
  readonly buffer: EventBuffer;
  /** `undefined`: nothing is kept. */
  readonly spend: Journal | undefined;
}

/** Opens the store of one guard. Never rejects: memory is always there. `buffer.close()` closes all of it. */
export async function openStore({ url, apiKey }: BackendAccess, instance: string, clock: Clock): Promise<Store> {
  if (isNode()) {
    try {
      const { openDiskBuffer } = await import('./node/disk-buffer-open.ts');
      return openDiskBuffer({ account: `${url} ${apiKey}`, instance, clock });
    } catch {
      // A runtime that only looks like Node.
    }
  }
  return { buffer: new MemoryBuffer({ clock }), spend: undefined };
}

/** Whether Node's modules are there; edge runtimes have a `process` too. */
export function isNode(): boolean {
  const { process } = globalThis as { process?: { getBuiltinModule?: unknown; versions?: { node?: string } } };
  return process?.versions?.node !== undefined && typeof process.getBuiltinModule === 'function';
}
