/** Looks for loops in the conversation that a request shows, or goes on with where the provider keeps it. */
import type { CallRequest, Turn } from './call.ts';
import { sayOnce } from './config/say-once.ts';
import { condensed, Conversations } from './guardrails/conversations.ts';
import { breachOfLoop } from './guardrails/loop-breach.ts';
import { findLoop, turnsNeeded, type LoopThresholds } from './guardrails/loops.ts';
import type { Breach, Run } from './guardrails/run.ts';
import { historyOf } from './providers/history.ts';
import { keptAnswer, keptRequest, type KeptRequest } from './providers/kept-conversation.ts';

/** The loop guardrail of one guard. It knows nothing of runs: a conversation is judged by itself. */
export class LoopWatch {
  readonly #thresholds: LoopThresholds;
  readonly #most: number;
  readonly #kept: Conversations;

  constructor(thresholds: LoopThresholds) {
    this.#thresholds = thresholds;
    this.#most = turnsNeeded(thresholds);
    this.#kept = new Conversations(this.#most);
  }

  /** The stop of the run, where the request's conversation ends with a loop. */
  breachOf(request: CallRequest, run: Run): Breach | undefined {
    if ((request.kind ?? 'text') !== 'text') return undefined;
    const loop = readable(() => findLoop(this.#turnsOf(request), this.#thresholds));
    return loop === undefined ? undefined : breachOfLoop(run, loop);
  }

  /** Whether the answer to a request is worth a look, chunk by chunk: the provider may keep its conversation. */
  follows({ input }: CallRequest): boolean {
    return keptRequest(input) !== undefined;
  }

  /** Takes note of an answer, or of a chunk of one, to a request that {@link follows} is true of. */
  answered({ input }: CallRequest, value: unknown): void {
    readable(() => {
      const answer = keptAnswer(value);
      const asked = answer && keptRequest(input);
      if (asked === undefined || answer === undefined) return;
      const items = [...this.#itemsOf(asked), ...answer.items.map(condensed)];
      for (const id of answer.ids) this.#kept.remember(id, items);
    });
  }

  #turnsOf({ history, input }: CallRequest): readonly Turn[] {
    if (history !== undefined) return history();
    const asked = keptRequest(input);
    return historyOf(asked?.id === undefined ? input : this.#itemsOf(asked), this.#most);
  }

  #itemsOf({ id, items }: KeptRequest): readonly unknown[] {
    return [...(id === undefined ? [] : this.#kept.recall(id)), ...items.slice(-this.#most).map(condensed)];
  }
}

/** What was read; nothing where it can't be: somebody's getter may throw, and the call is not to suffer for it. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    sayOnce('history', `a conversation could not be read, and was not searched for loops: ${String(error)}`);
    return undefined;
  }
}
