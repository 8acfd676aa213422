/** Fallback lists: a refusal by the guard ends the run. The next model would only spend what the first was refused. */
import { CallTimeoutError, findKavachError, StreamIdleError, type KavachError } from '@agentkavach/core';
import { coversOfModel, markCovered } from './cover.ts';
import type { FallbackEntry } from './hooks.ts';
import { withMethods } from './stand-in.ts';

type Send = (options: unknown) => PromiseLike<unknown>;

/** The entries of one run, the later of which throw again what the guard refused an earlier one with. */
export function refusedTogether(entries: readonly FallbackEntry[]): readonly FallbackEntry[] {
  if (entries.length < 2) return entries;
  const run: { refusal?: KavachError } = {};
  return entries.map((entry) => ({ ...entry, model: refusing(entry.model, run) }));
}

function refusing(model: object, run: { refusal?: KavachError }): object {
  const sending = (key: string): Send => {
    return async (options) => {
      if (run.refusal !== undefined) throw run.refusal;
      try {
        return await (Reflect.get(model, key, model) as Send).call(model, options);
      } catch (error) {
        const ours = findKavachError(error);
        if (ours !== undefined && isRefusal(ours)) run.refusal = ours;
        throw error;
      }
    };
  };
  return markCovered(
    withMethods(model, { doGenerate: sending('doGenerate'), doStream: sending('doStream') }),
    coversOfModel(model),
  );
}

/** A model that answered too late may well be replaced by another. */
function isRefusal(error: KavachError): boolean {
  return !CallTimeoutError.isInstance(error) && !StreamIdleError.isInstance(error);
}
