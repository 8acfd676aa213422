/** Whether an answer can be the answer to a batch. Nothing is acknowledged on the word of a proxy's error page. */
import type { IngestAnswer } from '../wire/index.ts';

/** Why an answer to a batch of so many events makes no sense; `undefined` where it does. */
export function nonsense(answer: IngestAnswer, events: number): string | undefined {
  const body: unknown = answer;
  if (typeof body !== 'object' || body === null) return 'it is no object';
  const { accepted, duplicates, rejected, agents, budgets } = body as Readonly<Record<string, unknown>>;
  if (!isCount(accepted) || !isCount(duplicates)) return 'accepted and duplicates must be counts';
  if (!Array.isArray(rejected) || !Array.isArray(agents) || !Array.isArray(budgets))
    return 'rejected, agents and budgets must be lists';
  const indexes = new Set<unknown>();
  for (const each of rejected as unknown[]) {
    const index: unknown = typeof each === 'object' && each !== null ? Reflect.get(each, 'index') : undefined;
    if (!isCount(index) || index >= events || indexes.has(index)) return 'rejected names an event that was not sent';
    indexes.add(index);
  }
  const counted = accepted + duplicates + indexes.size;
  return counted === events ? undefined : `it counts ${counted} events where ${events} were sent`;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
