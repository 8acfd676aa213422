/**
 * A model's own retries, outside the guard: LangChain hides them inside one call, and each is a call of its own. How often
 * and when stays what the model says.
 */
import { KavachError } from '@agentkavach/core';
import { final } from './refusal.ts';
import { count, fields } from './shape.ts';

/** LangChain's AsyncCaller: a queue with retries. */
interface Caller {
  callWithOptions<T>(options: { maxRetries?: number | undefined }, send: () => Promise<T>): Promise<T>;
}

type Attempted<T> = { readonly value: T } | { readonly refusal: unknown };

/** Sends with the retries of `model`, or of the call's own `maxRetries`. The guard's errors end it at once. */
export async function withRetries<T>(model: object, options: unknown, send: () => Promise<T>): Promise<T> {
  const caller: unknown = Reflect.get(model, 'caller');
  if (!isCaller(caller)) return send();
  const attempt = async (): Promise<Attempted<T>> => {
    try {
      return { value: await send() };
    } catch (error) {
      // Not thrown: what a failed attempt means is up to the model's `onFailedAttempt`.
      if (KavachError.isInstance(error)) return { refusal: error };
      throw error;
    }
  };
  const attempted = await caller.callWithOptions({ maxRetries: count(fields(options)?.['maxRetries']) }, attempt);
  if ('refusal' in attempted) throw final(attempted.refusal);
  return attempted.value;
}

function isCaller(value: unknown): value is Caller {
  return typeof fields(value)?.['callWithOptions'] === 'function';
}
