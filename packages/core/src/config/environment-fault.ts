/** Whether a guard would take the options that an environment gives, for programs that look at an environment without a guard. */
import { Budget } from '../budget/budget.ts';
import { ConfigError } from '../errors.ts';
import { readOptions } from './read-options.ts';

/**
 * What is wrong with the first `AGENTKAVACH_…` variable that a guard would refuse. The backend's address and key are not looked at.
 *
 * @returns the sentence that the guard would throw; `undefined` where it would take them all
 */
export function environmentFault(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const isBudgetSet = (environment['AGENTKAVACH_BUDGET'] ?? '') !== '';
  try {
    const own = { ...environment, AGENTKAVACH_API_KEY: undefined, AGENTKAVACH_URL: undefined };
    readOptions({ budget: isBudgetSet ? undefined : Budget.daily(1) }, own);
    return undefined;
  } catch (error) {
    if (ConfigError.isInstance(error)) return error.message;
    throw error;
  }
}
