/** The loop that a user of a plain client writes by hand: ask, run the tools that the model wants, ask again. */
import type { Task } from '../subject.ts';

/** A tool that the model wants. */
export interface Wanted {
  readonly id: string;
  readonly name: string;
}

/** One answer, as the loop reads it. */
export interface Answer<M> {
  readonly text: string;
  readonly wants: readonly Wanted[];
  /** The answer as messages of the next request. */
  readonly said: readonly M[];
}

/** What a provider's wire format makes of a conversation. */
export interface Dialect<M> {
  /** The first message. */
  user(prompt: string): M;
  /** What the tools answered, for the next request. */
  told(results: readonly (Wanted & { readonly output: string })[]): readonly M[];
}

const MOST_STEPS = 50;

/** Asks until the model wants no more tools. @returns the last text */
export async function converse<M>(
  { prompt, tools = [] }: Task,
  { user, told }: Dialect<M>,
  ask: (messages: readonly M[]) => Promise<Answer<M>>,
): Promise<string> {
  let messages: readonly M[] = [user(prompt)];
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const { text, wants, said } = await ask(messages);
    if (wants.length === 0) return text;
    const run = async ({ id, name }: Wanted): Promise<Wanted & { output: string }> => ({
      id,
      name,
      output: (await tools.find((tool) => tool.name === name)?.execute()) ?? 'unknown tool',
    });
    messages = [...messages, ...said, ...told(await Promise.all(wants.map(run)))];
  }
  throw new Error(`The conversation did not end within ${MOST_STEPS} steps.`);
}
