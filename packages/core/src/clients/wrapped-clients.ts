/** The clients that each guard has wrapped: one that is wrapped again stays as it is, and does not get a layer more each time. */
import type { Engine } from '../engine.ts';

const clients = new WeakMap<Engine, WeakSet<object>>();

/** Whether a guard made this client. */
export function isWrapped(engine: Engine, client: object): boolean {
  return clients.get(engine)?.has(client) === true;
}

/** Remembers a client that a guard made. @returns the client */
export function markWrapped<C extends object>(engine: Engine, client: C): C {
  let own = clients.get(engine);
  if (own === undefined) clients.set(engine, (own = new WeakSet()));
  own.add(client);
  return client;
}
