/** Makes LangChain treat the guard's errors as final. */
import { BudgetExceededError, findKavachError, GuardrailError, KilledError, type KavachError } from '@agentkavach/core';

// The mark that @langchain/core's AsyncCaller and modelRetryMiddleware read (stampRetryable, utils/errors).
const RETRYABLE = Symbol.for('langchain.errors.retryable');

/** The error, marked so that LangChain's retries leave it alone, where it is one of ours. */
export function final<E>(error: E): E {
  const own = findKavachError(error);
  for (const marked of new Set<unknown>([error, own])) {
    if (own === undefined || typeof marked !== 'object' || marked === null) continue;
    try {
      Object.defineProperty(marked, RETRYABLE, { value: false, configurable: true });
    } catch {
      // A frozen error keeps LangChain's default; each retry is refused all the same.
    }
  }
  return error;
}

/** The refusal or kill inside an error; not a mistake in the configuration, which must stay loud. */
export function stopOf(error: unknown): KavachError | undefined {
  const own = findKavachError(error);
  const isStop = BudgetExceededError.isInstance(own) || GuardrailError.isInstance(own) || KilledError.isInstance(own);
  return isStop ? own : undefined;
}
