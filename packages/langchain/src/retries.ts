/**
 * A model's own retries, outside the guard: LangChain hides them inside one call, and each is a call of its own. How often
 * and when stays what the model says.
 */
import { KavachError } from '@agentkavach/core';
import { final } from './refusal.ts';
import { count, fields, type Fields } from './shape.ts';

/** LangChain's AsyncCaller: a queue with retries. */
interface Caller {
  readonly maxConcurrency?: number;
  callWithOptions<T>(options: { maxRetries?: number | undefined }, send: () => Promise<T>): Promise<T>;
}

type Attempted<T> = { readonly value: T } | { readonly refusal: unknown };

/**
 * Sends with the retries of `model`, or of the call's own `maxRetries`, and in its queue. The guard's errors end it at once.
 */
export async function withRetries<T>(model: object, options: unknown, send: () => Promise<T>): Promise<T> {
  const caller: unknown = Reflect.get(model, 'caller');
  if (!isCaller(caller)) return send();
  let first: { readonly error: unknown } | undefined;
  // Without a queue the first attempt needs no caller: it is slow, and most calls have no second one.
  if (caller.maxConcurrency === Number.POSITIVE_INFINITY) {
    try {
      return await send();
    } catch (error) {
      if (KavachError.isInstance(error)) throw final(error);
      first = { error };
    }
  }
  const attempt = async (): Promise<Attempted<T>> => {
    try {
      if (first !== undefined) {
        const { error } = first;
        first = undefined;
        throw error;
      }
      return { value: await send() };
    } catch (error) {
      // Not thrown: what a failed attempt means is up to the model's `onFailedAttempt`.
      if (KavachError.isInstance(error)) return { refusal: error };
      throw error;
    }
  };
  const attempted = await caller.callWithOptions({ maxRetries: retriesOf(fields(options)) }, attempt);
  if ('refusal' in attempted) throw final(attempted.refusal);
  return attempted.value;
}

/** What a call asks for itself, for LangChain or for the client of ChatOpenAI. */
function retriesOf(options: Fields | undefined): number | undefined {
  return count(options?.['maxRetries']) ?? count(fields(options?.['options'])?.['maxRetries']);
}

function isCaller(value: unknown): value is Caller {
  return typeof fields(value)?.['callWithOptions'] === 'function';
}
