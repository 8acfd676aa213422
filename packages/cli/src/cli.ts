/** The command line: finds the command, runs it, prints its outcome, and gives the exit code. */
import { readArguments } from './args.ts';
import { budget } from './commands/budget.ts';
import type { Command } from './commands/command.ts';
import { dev } from './commands/dev.ts';
import { doctor } from './commands/doctor.ts';
import { keys } from './commands/keys.ts';
import { status } from './commands/status.ts';
import { kill, resume } from './commands/stop.ts';
import { tail } from './commands/tail.ts';
import { CliError, EXIT, type Io } from './io.ts';
import { VERSION } from './version.ts';

const COMMANDS: Readonly<Record<string, Command>> = { dev, status, kill, resume, budget, keys, tail, doctor };

const HELP = `agentkavach ${VERSION}: hard budget limits for LLM calls

Usage: agentkavach <command> [options]

  dev                                    the backend on this machine, one command, no Docker
  status [agent]                         agents, kills, and what is left of budgets
  kill <agent>                           stop an agent in every process, calls in flight included
  resume <agent>                         let it run again
  budget set <agent> <period> <limit>    change a limit in every process
  keys list|create|rotate|revoke         API keys
  tail [agent]                           events as they come
  doctor                                 what is wrong, and what to do

Every command takes --json and --help. The backend is AGENTKAVACH_URL with AGENTKAVACH_OPERATOR_KEY, else the one that runs
from ./.kavach.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 backend unreachable, 4 key missing or without the right, 5 not found.`;

/** Runs one command line. @returns the exit code */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  const isJson = argv.includes('--json');
  try {
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      io.out(HELP);
      return name === undefined ? EXIT.usage : EXIT.ok;
    }
    if (name === '--version' || name === '-v') {
      io.out(VERSION);
      return EXIT.ok;
    }
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined)
      throw new CliError(`Unknown command ${JSON.stringify(name)}.\n\n${HELP}`, EXIT.usage, 'usage');
    const args = readArguments(rest, command.options, command.words, command.usage);
    if (args.flag('help')) {
      io.out(command.usage);
      return EXIT.ok;
    }
    const result = await command.run(args, io);
    if (result === undefined) return EXIT.ok;
    if (args.flag('json')) io.out(JSON.stringify(result.json, null, 2));
    else for (const line of result.lines) io.out(line);
    return result.exit ?? EXIT.ok;
  } catch (error) {
    if (io.signal.aborted) return EXIT.ok;
    if (!(error instanceof CliError)) throw error;
    if (isJson) io.out(JSON.stringify({ error: { code: error.code, message: error.message } }));
    else io.err(error.message);
    return error.exit;
  }
}
