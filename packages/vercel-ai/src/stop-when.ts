/** A stop condition for agent loops: ends the loop with the answer so far, before the guard would refuse the next step. */
import type { AgentKavach } from '@agentkavach/core';

/**
 * For `stopWhen`: true once the guard would refuse another call, because it was killed, its run is at a limit, or a
 * budget has no room. The loop then ends normally, and the steps so far are kept.
 *
 * @example
 * await generateText({ model, tools, prompt, stopWhen: [isStepCount(20), kavachStopWhen(guard)] });
 */
export function kavachStopWhen(guard: AgentKavach): () => boolean {
  return () => !guard.canStartCall();
}
