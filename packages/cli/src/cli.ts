/** The command line: finds the command, runs it, prints its outcome, and gives the exit code. */
import { readArguments } from './args.ts';
import type { Command } from './commands/command.ts';
import { CliError, EXIT, type Io } from './io.ts';
import { didYouMean } from './nearest.ts';
import { printable } from './table.ts';
import { VERSION } from './version.ts';

/** Loaded one at a time: a kill must not wait until the whole backend is in memory. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./commands/init.ts')).init,
  demo: async () => (await import('./commands/demo.ts')).demo,
  dev: async () => (await import('./commands/dev.ts')).dev,
  status: async () => (await import('./commands/status.ts')).status,
  kill: async () => (await import('./commands/stop.ts')).kill,
  resume: async () => (await import('./commands/stop.ts')).resume,
  budget: async () => (await import('./commands/budget.ts')).budget,
  keys: async () => (await import('./commands/keys.ts')).keys,
  tail: async () => (await import('./commands/tail.ts')).tail,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
};

const HELP = `agentkavach ${VERSION}: hard budget limits for LLM calls

Usage: agentkavach <command> [options]

  init                                   what is still to install and where the guard goes, for the app in this folder
  demo                                   a runaway loop, stopped at five cents; nothing is sent
  dev                                    the backend on this machine, one command, no Docker
  status [agent]                         what keeps agents from running, and what is left of budgets
  kill <agent>                           stop an agent in every process, calls in flight included
  resume <agent>                         let it run again
  budget set <agent> <budget> <limit>    change a limit in every process
  budget release <agent> <budget>        hand a limit back to code
  keys list|create|rotate|revoke         API keys
  tail [agent]                           events as they come
  doctor                                 what is wrong, and what to do

Every command takes --json and --help. The backend is AGENTKAVACH_URL with AGENTKAVACH_OPERATOR_KEY, else the one
that runs from ./.kavach.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 backend unreachable, 4 key missing or without the right, 5 not found.`;

/** Runs one command line. @returns the exit code */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  try {
    return await run(argv, io);
  } catch (error) {
    if (io.signal.aborted) return EXIT.ok;
    const known = error instanceof CliError ? error : unexpected(error);
    if (argv.includes('--json')) io.out(JSON.stringify({ error: { code: known.code, message: known.message } }));
    else for (const line of known.message.split('\n')) io.err(printable(line));
    return known.exit;
  }
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const [about = ''] = rest;
    io.out((name === 'help' ? (await commandOf(about))?.usage : undefined) ?? HELP);
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  if (name === '--version' || name === '-v') {
    io.out(VERSION);
    return EXIT.ok;
  }
  const command = await commandOf(name);
  if (command === undefined) {
    const known = Object.keys(COMMANDS);
    const list = `There are: ${known.join(', ')}. agentkavach --help says what they do.`;
    const isOption = name.startsWith('-');
    const what = isOption ? `The command goes before ${name}` : `Unknown command ${JSON.stringify(name)}`;
    const hint = isOption ? '' : didYouMean(name, known);
    throw new CliError(`${what}.${hint} ${list}`, EXIT.usage, 'usage');
  }
  const args = readArguments(rest, command.options, command.words, command.usage);
  if (args.flag('help')) {
    io.out(command.usage);
    return EXIT.ok;
  }
  const result = await command.run(args, io);
  if (result === undefined) return EXIT.ok;
  if (args.flag('json')) io.out(JSON.stringify(result.json, null, 2));
  else for (const line of result.lines) io.out(printable(line));
  return result.exit ?? EXIT.ok;
}

async function commandOf(name: string): Promise<Command | undefined> {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name]?.() : undefined;
}

/** A fault of this program: whoever reports it needs to know where it happened. */
function unexpected(error: unknown): CliError {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CliError(`Unexpected: ${text}`, EXIT.failed, 'unexpected');
}
