/** Events such as a dozen agents send. */
import { randomUUID } from 'node:crypto';
import type { CallEvent } from '@agentkavach/core/wire';

/** The agents. */
export const AGENTS = Array.from({ length: 12 }, (_, index) => `agent-${index}`);

const MODELS = ['gpt-4o', 'gpt-4o-mini', 'claude-sonnet-4-5', 'gemini-2.5-pro'];

/** A batch of one process: one agent, a handful of runs, the last few seconds. */
export function batchOf(size: number, agent: string): CallEvent[] {
  const now = Date.now();
  const run = randomUUID();
  return Array.from({ length: size }, (_, index): CallEvent => {
    const inputTokens = 200 + ((index * 37) % 3_000);
    const outputTokens = 20 + ((index * 17) % 700);
    return {
      id: randomUUID(),
      type: 'call',
      agent,
      runId: `${run}-${index % 5}`,
      at: now - (size - index) * 10,
      startedAt: now - (size - index) * 10 - 2_000,
      user: `user-${index % 10}`,
      tags: ['batch'],
      provider: 'openai',
      model: MODELS[index % MODELS.length] ?? '',
      outcome: 'completed',
      estimated: index % 20 === 0,
      nano: inputTokens * 2_500 + outputTokens * 10_000,
      tokens: inputTokens + outputTokens,
      calls: 1,
      inputTokens,
      outputTokens,
    };
  });
}
