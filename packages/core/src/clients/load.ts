/**
 * The guarded transport, loaded when the first client is wrapped: a guard that wraps none does without. Wrapping is
 * synchronous; the first request waits for the load.
 */
import type { Engine } from '../engine.ts';
import type { Dialect } from '../transport/guarded-fetch.ts';
import type * as Loaded from '../transport/index.ts';
import type { Fetch } from '../transport/request.ts';

type Transport = typeof Loaded;

/** The clients that can be wrapped, by the API that they speak. */
export type DialectName = keyof Transport['DIALECTS'];

let transport: Promise<Transport> | undefined;

/** A guarded `fetch`. */
export function lazyFetch(engine: Engine, name: DialectName, inner: Fetch): Fetch {
  let guarded: Fetch | undefined;
  const ready = load();
  ready.catch(() => undefined); // the first request reports it
  return async (input, init) => {
    if (guarded === undefined) {
      const { guardedFetch, DIALECTS } = await ready;
      const dialect: Dialect = DIALECTS[name];
      guarded ??= guardedFetch(engine, dialect, inner);
    }
    return guarded(input, init);
  };
}

function load(): Promise<Transport> {
  return (transport ??= import('../transport/index.ts'));
}
