/** `agentkavach dev`: the whole backend on this machine, until Ctrl-C. */
import { DataFolderInUseError, installAt, removeInstall, startStack, type Stack } from '@agentkavach/embedded';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DATA_FOLDER, dataFolder } from '../access.ts';
import { readNumber, type Arguments } from '../args.ts';
import { CliError, EXIT, type Io } from '../io.ts';
import { printable } from '../table.ts';
import type { Command } from './command.ts';

/** Where it listens unless told otherwise; any free port where this one is taken. */
const DEFAULT_PORT = 54_330;

async function run(args: Arguments, io: Io): Promise<undefined> {
  const dataDir = dataFolder(args, io);
  const port = portOf(args.text('port'));
  if (args.flag('reset') && reset(dataDir)) io.err(`Removed the data in ${dataDir}.`);
  const isNew = installAt(dataDir) === undefined;
  const isOwnFolder = !existsSync(dataDir);
  const began = io.now();
  const isJson = args.flag('json');
  const log = (line: string): void => (isJson ? io.err(printable(line)) : io.out(printable(line)));
  const stack = await start(dataDir, port, log, io.signal);
  try {
    // What is kept here are secrets and data; nobody means to commit them. A folder with other things in it is its owner's.
    if (isOwnFolder) writeFileSync(join(dataDir, '.gitignore'), '*\n');
    const { url, keys, databaseUrl, anonKey } = stack;
    if (isJson) io.out(JSON.stringify({ url, keys, databaseUrl, anonKey, dataDir, startedInMs: io.now() - began }));
    else for (const line of banner(stack, dataDir, isNew, io.now() - began)) io.out(line);
    if (!io.signal.aborted) await once(io.signal, 'abort');
    if (!isJson) io.out('\nStopping …');
  } finally {
    await stack.stop();
  }
  return undefined;
}

/** `undefined` where none was named, so that any will do. */
function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = readNumber(text, '--port', 0, 65_535);
  if (Number.isInteger(port)) return port;
  throw new CliError(`--port must be a whole number, got ${JSON.stringify(text)}.`, EXIT.usage, 'usage');
}

function reset(dataDir: string): boolean {
  try {
    return removeInstall(dataDir);
  } catch (error) {
    throw startFailure(error);
  }
}

async function start(
  dataDir: string,
  port: number | undefined,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Stack> {
  try {
    return await startStack({ dataDir, port: port ?? DEFAULT_PORT, log, signal });
  } catch (error) {
    if (!isPortTaken(error) || port !== undefined) throw startFailure(error, port);
    log(`Port ${DEFAULT_PORT} is taken, so another one is used. Name one with --port to keep it.`);
  }
  try {
    return await startStack({ dataDir, log, signal });
  } catch (error) {
    throw startFailure(error);
  }
}

function isPortTaken(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
}

function startFailure(error: unknown, port?: number): CliError {
  if (error instanceof DataFolderInUseError) return new CliError(error.message, EXIT.failed, 'data_folder_in_use');
  if (isPortTaken(error))
    return new CliError(
      `Port ${port} is taken by another program. Choose another with --port, or leave it out.`,
      EXIT.failed,
      'port_in_use',
    );
  return new CliError(error instanceof Error ? error.message : String(error), EXIT.failed, 'start_failed');
}

function banner({ url, keys, databaseUrl, anonKey }: Stack, dataDir: string, isNew: boolean, ms: number): string[] {
  return [
    '',
    `AgentKavach is running (${isNew ? 'first start, ' : ''}${(ms / 1000).toFixed(1)} s)`,
    '',
    `  URL           ${url}`,
    `  SDK key       ${keys.sdk}`,
    `  Operator key  ${keys.operator}`,
    `  Anon key      ${anonKey}`,
    `  Outbox        ${url}/outbox`,
    `  Database      ${databaseUrl}`,
    `  Data          ${dataDir}`,
    '',
    'The SDK key is for apps, the operator key for this command line, the anon key for supabase-js with a sign-in.',
    '',
    'For your app:',
    '',
    `  export AGENTKAVACH_URL=${url}`,
    `  export AGENTKAVACH_API_KEY=${keys.sdk}`,
    '  export AGENTKAVACH_AGENT_NAME=my-agent',
    '',
    'In another terminal: npx agentkavach status | tail | kill <agent> | budget set <agent> daily 50',
    'Ctrl-C stops it; the data stay.',
  ];
}

/** The command. */
export const dev: Command = {
  usage: `Usage: agentkavach dev [--port <port>] [--data <folder>] [--reset] [--json]

Runs the backend on this machine: PostgreSQL, auth, realtime and functions on one port, for this machine only.

  --port <port>    default ${DEFAULT_PORT}, or any free one where that is taken; 0: any free one
  --data <folder>  keeps the data between starts; default ${DATA_FOLDER}
  --reset          removes the data and keys of earlier starts first

  agentkavach dev
  agentkavach dev --port 54330 --data ~/.agentkavach/dev`,
  options: { port: { type: 'string' }, data: { type: 'string' }, reset: { type: 'boolean' } },
  words: [0, 0],
  run,
};
