/** What a command is. */
import type { Arguments } from '../args.ts';
import type { Io } from '../io.ts';

/** One command of the command line. */
export interface Command {
  /** The help text: usage, options, examples. */
  readonly usage: string;
  readonly options: Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly short?: string }>>;
  /** How many words it takes after its own name. */
  readonly words: readonly [least: number, most: number];
  /** @returns what `--json` prints; `undefined` for a command that prints as it goes */
  run(args: Arguments, io: Io): Promise<Result | undefined>;
}

/** A command's outcome, for programs and for people. */
export interface Result {
  readonly json: unknown;
  readonly lines: readonly string[];
  /** Default 0. */
  readonly exit?: number;
}
