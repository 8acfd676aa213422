/** Puts a loop into words: the error that stops the run. */
import type { Turn } from '../call.ts';
import { LoopDetectedError } from '../loop-error.ts';
import type { Loop } from './loops.ts';
import type { Breach, Run } from './run.ts';

/** A pattern is for a person to recognise, and goes into logs: it shows the beginning of each part. */
const LONGEST_SHOWN = 120;

/** The stop of a run whose conversation ends with a loop. */
export function breachOfLoop(run: Run, loop: Loop): Breach {
  const { rule, count, limit } = loop;
  const pattern = loop.pattern.map(shown);
  const text =
    `Run ${run.id} repeats itself: ${described(loop, pattern)}, ${count} times in a row; ${rule} allows ${limit - 1}. ` +
    `Nothing was sent. Tell the agent something new, or start a new run with guard.run(); loopThreshold allows more.`;
  return { run, error: new LoopDetectedError(text, run.id, limit, rule, pattern, count), reason: 'loop' };
}

function described({ rule }: Loop, pattern: readonly string[]): string {
  switch (rule) {
    case 'repeated-call':
      return `${pattern[0]} with the same result`;
    case 'repeated-error':
      return `${pattern[0]} with the same error`;
    case 'cycle':
      return pattern.join(', ');
    case 'repeated-message':
      return `the message ${JSON.stringify(pattern[0])}`;
  }
}

function shown(turn: Turn): string {
  return turn.kind === 'tool' ? `${turn.name}(${shortened(argumentsOf(turn.args))})` : shortened(turn.text.trim());
}

function argumentsOf(args: unknown): string {
  if (args === undefined || args === null) return '';
  if (typeof args === 'string') return args;
  try {
    return JSON.stringify(args, (_, value: unknown) => (typeof value === 'string' ? shortened(value) : value));
  } catch {
    return '…'; // a BigInt, or an object that contains itself
  }
}

function shortened(text: string): string {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
