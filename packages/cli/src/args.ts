/** Reads a command's words and options; what it does not know is an error that names it. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { CliError, EXIT } from './io.ts';
import { didYouMean } from './nearest.ts';

/** Options that every command takes. */
const COMMON = {
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** The options of commands that talk to a backend. */
export const ACCESS = {
  url: { type: 'string' },
  data: { type: 'string' },
} as const;

type Options = NonNullable<ParseArgsConfig['options']>;

/** What was found on a command line. */
export interface Arguments {
  readonly words: readonly string[];
  text(name: string): string | undefined;
  flag(name: string): boolean;
}

/**
 * @param words how many words the command takes: the least and the most
 * @throws CliError (exit 2) that says what is wrong and shows the usage
 */
export function readArguments(
  argv: readonly string[],
  options: Options,
  words: readonly [least: number, most: number],
  usage: string,
): Arguments {
  // parseArgs would take it for a bundle of short options.
  const negative = argv.find((word) => /^-\.?\d/.test(word));
  if (negative !== undefined)
    throw new CliError(`${negative} is less than 0, which no option or word can be.\n\n${usage}`, EXIT.usage, 'usage');
  let parsed: ReturnType<typeof parseArgs>;
  const all = { ...COMMON, ...options };
  try {
    parsed = parseArgs({ args: [...argv], options: all, allowPositionals: true, strict: true });
  } catch (error) {
    throw new CliError(`${complaint(error, Object.keys(all))}\n\n${usage}`, EXIT.usage, 'usage');
  }
  const { values, positionals } = parsed;
  const [least, most] = words;
  const isHelp = values['help'] === true;
  if (!isHelp && (positionals.length < least || positionals.length > most)) {
    const what =
      positionals.length < least
        ? missing(usage, positionals.length)
        : `Too many words: ${positionals.slice(most).join(' ')}`;
    throw new CliError(`${what}.\n\n${usage}`, EXIT.usage, 'usage');
  }
  return {
    words: positionals,
    text: (name) => {
      const value = values[name];
      return typeof value === 'string' ? value : undefined;
    },
    flag: (name) => values[name] === true,
  };
}

/** The word that is not there, by its name in the usage: `Usage: agentkavach budget set <agent> <limit> [--json]`. */
function missing(usage: string, at: number): string {
  const [, line = ''] = /^Usage: agentkavach \S+ ([^[\n]*)/.exec(usage) ?? [];
  const word = [...line.matchAll(/<[^>]+>|\S+/g)].map(([found]) => found)[at];
  const name = word?.startsWith('<') === true ? word.slice(1, -1).replaceAll(' | ', ' or ') : undefined;
  return name === undefined ? 'A word is missing' : `The ${name} is missing`;
}

/** What parseArgs found, in a sentence or two: it adds advice of its own. */
function complaint(error: unknown, known: readonly string[]): string {
  const message = error instanceof Error ? error.message : '';
  const [, option] = /^Option '(?:-\w, )?(--[\w-]+).* argument (?:missing|is ambiguous)/.exec(message) ?? [];
  if (option !== undefined) return `${option} needs a value.`;
  const [, unknown = ''] = /^Unknown option '--([^']+)'/.exec(message) ?? [];
  return `${message.replace(/\.(?:\s[\s\S]*)?$/, '')}.${didYouMean(unknown, known, '--')}`;
}

/** A number from an option or word. */
export function readNumber(text: string, what: string, least: number, most: number): number {
  const number = Number(text);
  if (text.trim() !== '' && number >= least && number <= most) return number;
  const range = `from ${least} to ${most.toLocaleString('en', { useGrouping: most > 100_000 })}`;
  throw new CliError(`${what} must be a number ${range}, got ${JSON.stringify(text)}.`, EXIT.usage, 'usage');
}

/** One of some words, from an option. */
export function readChoice<const T extends string>(text: string, what: string, choices: readonly T[]): T {
  const choice = choices.find((one) => one === text);
  if (choice !== undefined) return choice;
  throw new CliError(`${what} must be one of ${choices.join(', ')}; got ${JSON.stringify(text)}.`, EXIT.usage, 'usage');
}
