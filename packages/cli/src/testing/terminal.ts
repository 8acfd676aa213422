/** A terminal for tests: runs commands in this process, and keeps what they print. */
import { runCli } from '../cli.ts';
import type { Io } from '../io.ts';

/** What a command left behind. */
export interface Outcome {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

/** A command that goes on until it is stopped. */
export interface Running {
  readonly out: readonly string[];
  readonly err: readonly string[];
  /** When a line holds the text; lines that were printed before count too. */
  line(text: string): Promise<string>;
  /** Ctrl-C. */
  stop(): Promise<Outcome>;
}

/** Where a command is called. */
export interface Place {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly now?: () => number;
  readonly fetch?: typeof fetch;
}

/** Runs one command to its end. */
export async function run(place: Place, ...argv: string[]): Promise<Outcome> {
  return start(place, ...argv).ended;
}

/** Runs a command that parses: what it prints with `--json`. */
export async function json<T>(place: Place, ...argv: string[]): Promise<T> {
  const { out } = await run(place, ...argv, '--json');
  return JSON.parse(out) as T;
}

/** Starts a command. */
export function start(place: Place, ...argv: string[]): Running & { readonly ended: Promise<Outcome> } {
  const abort = new AbortController();
  const out: string[] = [];
  const err: string[] = [];
  const waiting: { readonly text: string; readonly seen: (line: string) => void }[] = [];
  const take = (lines: string[]) => (line: string) => {
    lines.push(line);
    for (const { text, seen } of waiting) if (line.includes(text)) seen(line);
  };
  const io: Io = {
    ...{ env: {}, now: () => Date.now(), fetch, ...place },
    out: take(out),
    err: take(err),
    signal: abort.signal,
  };
  const ended = runCli(argv, io).then((exit) => ({ exit, out: out.join('\n'), err: err.join('\n') }));
  return {
    out,
    err,
    ended,
    line: async (text) => {
      const printed = [...out, ...err].find((line) => line.includes(text));
      if (printed !== undefined) return printed;
      const seen = Promise.withResolvers<string>();
      waiting.push({ text, seen: seen.resolve });
      const over = ended.then(({ err: said }) => Promise.reject(new Error(`It ended without "${text}": ${said}`)));
      return Promise.race([seen.promise, over]);
    },
    stop: async () => {
      abort.abort();
      return ended;
    },
  };
}
