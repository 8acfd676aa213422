/** A stop condition for agent loops: ends the loop with the answer so far, before the guard is likely to refuse the next step. */
import { AgentKavach, ConfigError } from '@agentkavach/core';

/**
 * For `stopWhen`: true once the guard would refuse another call like the last one, because it was killed, its run is at a limit, or a
 * budget has no room. The loop then ends normally, and the steps so far are kept.
 *
 * @throws ConfigError for anything that is no guard
 * @example
 * await generateText({ model, tools, prompt, stopWhen: [isStepCount(20), kavachStopWhen(guard)] });
 */
export function kavachStopWhen(guard: AgentKavach): () => boolean {
  if (!AgentKavach.isInstance(guard)) {
    throw new ConfigError(
      'kavachStopWhen() takes the guard of the models in the loop: make one with new AgentKavach({ … }) and give it to both.',
      { path: 'guard' },
    );
  }
  return () => !guard.canStartCall();
}
