/** What a guard has booked so far, and what came of a call: for tests that hold a guard against a bill. */
import type { SpendEvent } from '../events.ts';
import type { AgentKavach } from '../kavach.ts';

/** What a guard's first budget has spent, in nano-dollars. */
export function spentNano(guard: AgentKavach): number {
  return Math.round((guard.status().budgets[0]?.spent ?? Number.NaN) * 1e9);
}

/** What a guard's first budget holds for calls in flight, in dollars. */
export function reserved(guard: AgentKavach): number {
  return guard.status().budgets[0]?.reserved ?? Number.NaN;
}

/** The guard's spend events so far, and the next ones. */
export function spends(guard: AgentKavach): { readonly all: SpendEvent[]; next(): Promise<SpendEvent> } {
  const all: SpendEvent[] = [];
  let waiting: ((event: SpendEvent) => void)[] = [];
  guard.on('spend', (event) => {
    all.push(event);
    for (const resolve of waiting) resolve(event);
    waiting = [];
  });
  return { all, next: () => new Promise((resolve) => waiting.push(resolve)) };
}

/** The error that a promise rejects with. */
export async function rejection(promise: PromiseLike<unknown> | undefined): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('The promise was expected to reject.');
}
