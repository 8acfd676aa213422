/** A stop condition for agent loops: ends the loop with the answer so far, before the guard would refuse the next step. */
import { AgentKavach, ConfigError } from '@agentkavach/core';
import { nextCallOf, rememberCalls } from './next-call.ts';

/** What the condition reads of a step. */
interface Step {
  readonly response: { readonly messages: readonly object[] };
}

/**
 * For `stopWhen`: true where the guard would refuse the next step: the last step's prompt, its answer and the results of its
 * tools. The guard decides that as it decides about calls: kills, budgets, guardrails, loops. The agent's loop then ends
 * normally, and the steps so far are kept.
 *
 * @throws ConfigError for anything that is no guard
 * @example
 * await generateText({ model, tools, prompt, stopWhen: [isStepCount(20), kavachStopWhen(guard)] });
 */
export function kavachStopWhen(guard: AgentKavach): (loop: { steps: readonly Step[] }) => Promise<boolean> {
  if (!AgentKavach.isInstance(guard)) {
    throw new ConfigError(
      'kavachStopWhen() takes the guard of the models in the loop: make one with new AgentKavach({ … }) and give it to both.',
      { path: 'guard' },
    );
  }
  rememberCalls(guard);
  return async ({ steps }) => {
    const next = nextCallOf(guard, steps);
    // Of a model that has another guard, only this much is known.
    if (next === undefined) return !guard.canStartCall();
    return !(await guard.canStartCall(next(steps.at(-1)?.response.messages ?? [])));
  };
}
