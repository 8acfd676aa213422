/** The form of the labelled traces: what an agent did, and whether a person would call it a loop. */
import type { MessageTurn, ToolTurn, Turn } from '../../call.ts';

/** What a trace is an example of. */
export type TraceKind =
  | 'stuck'
  | 'argument forms'
  | 'cycle'
  | 'noise'
  | 'monologue'
  | 'sub-agent'
  | 'parallel'
  | 'polling'
  | 'pagination'
  | 'retries'
  | 'flaky tool'
  | 'repetition'
  | 'chat';

/** One conversation with its label. The label says what a person who reads it would say, not what the rules can see. */
export interface Trace {
  readonly name: string;
  readonly kind: TraceKind;
  /** Whether the agent is in a loop at the end of the trace. Where it is not, it was in none before either. */
  readonly isLoop: boolean;
  /** Oldest first. */
  readonly turns: readonly Turn[];
}

/** The model called a tool, which answered. */
export function call(name: string, args: unknown, result: unknown = 'ok'): ToolTurn {
  return { kind: 'tool', name, args, result };
}

/** The model called a tool, which failed. */
export function fail(name: string, args: unknown, result: unknown): ToolTurn {
  return { kind: 'tool', name, args, result, isError: true };
}

/** The model asked for several tools in one answer. */
export function together(...calls: readonly ToolTurn[]): readonly ToolTurn[] {
  return calls.map((turn, i) => (i < calls.length - 1 ? { ...turn, withNext: true } : turn));
}

/** The model said something. */
export function says(text: string): MessageTurn {
  return { kind: 'assistant', text };
}

/** The user, or the program that drives the agent, said something. */
export function user(text: string): MessageTurn {
  return { kind: 'user', text };
}

/** The same turns again and again; `n` counts from 1. */
export function times<T extends Turn>(count: number, turns: (n: number) => readonly T[]): readonly T[] {
  return Array.from({ length: count }, (_, i) => turns(i + 1)).flat();
}

/** Traces of one kind. */
export function traces(
  kind: TraceKind,
  isLoop: boolean,
  named: Readonly<Record<string, readonly Turn[]>>,
): readonly Trace[] {
  return Object.entries(named).map(([name, turns]) => ({ name, kind, isLoop, turns }));
}
