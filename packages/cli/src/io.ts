/** What a command sees of the world: tests hand in their own. */

/** Input and output of one command. */
export interface Io {
  /** One line to standard output. */
  out(line: string): void;
  /** One line to standard error. */
  err(line: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly fetch: typeof fetch;
  /** Wall-clock milliseconds. */
  now(): number;
  /** Aborts when the user presses Ctrl-C. */
  readonly signal: AbortSignal;
}

/** The exit codes of every command. */
export const EXIT = {
  ok: 0,
  /** Something is wrong; the message says what. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The backend can't be reached. */
  unreachable: 3,
  /** The key is missing, wrong, or lacks the scope. */
  denied: 4,
  /** There is no such agent, budget or key. */
  notFound: 5,
} as const;

/** Ends a command with a message for people and an exit code for programs. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    message: string,
    readonly exit: (typeof EXIT)[keyof typeof EXIT],
    /** Machine-readable, for `--json`. */
    readonly code: string,
  ) {
    super(message);
  }
}
